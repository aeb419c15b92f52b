"""Tests of the locks by which a run is known to live."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server import lease


def test_a_home_is_made_held(tmp_path: Path) -> None:
    """Whoever makes it a second time holds the first one's."""
    home = tmp_path / "home"
    lease.make(home, "one")
    lease.make(home, "two")
    assert (home / "alive").read_text() == "one"
    assert list(tmp_path.iterdir()) == [home]
    assert not lease.is_dead(home)
    assert not lease.release(home)
    assert lease.release(home)
    assert not lease.release(home)
    assert lease.is_dead(home)


def test_a_home_that_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is the system's."""
    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
    with pytest.raises(OSError, match="No space"):
        lease.make(tmp_path / "home", "one")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_home_is_not_dead(tmp_path: Path) -> None:
    """A directory without the file may be anything."""
    assert not lease.is_dead(tmp_path)


def test_an_ordinary_users_home_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root's is passable, for the server's user."""
    monkeypatch.setattr(os, "getuid", lambda: 1234)
    lease.make(tmp_path / "home", "one")
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    lease.release(tmp_path / "home")


def test_a_home_is_held_whoever_reads_it(tmp_path: Path) -> None:
    """A test that reads every file of the project opens and closes this one too."""
    home = tmp_path / "home"
    lease.make(home, "one")
    for path in home.iterdir():
        path.read_bytes()
    script = "import sys; from pathlib import Path; from hermetic.database.backends.postgresql.server import lease\n"
    script += "print(lease.is_dead(Path(sys.argv[1])))"
    assert subprocess.check_output([sys.executable, "-c", script, str(home)], text=True) == "False\n"
    assert lease.release(home)


@pytest.mark.parametrize("step", ["open", "write"])
def test_a_home_without_room_for_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """The error is the system's, whichever step fails, and nothing is left."""
    real = getattr(os, step)

    def full(what: object, *arguments: object, **options: object) -> object:
        if step == "write" or str(what).endswith("alive"):
            raise OSError(28, "No space")
        return real(what, *arguments, **options)

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space"):
        lease.make(tmp_path / "home", "one")
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_cannot_be_made_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails before it has its name is told, though another process was faster."""
    (tmp_path / "home").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: (_ for _ in ()).throw(OSError(24, "Too many open files")))
    with pytest.raises(OSError, match="Too many open files"):
        lease.make(tmp_path / "home", "one")
