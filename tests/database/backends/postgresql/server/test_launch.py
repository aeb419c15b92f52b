"""Tests of what is said of a server that does not start."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server.installed import Binaries
from hermetic.database.backends.postgresql.server.run_dir import Address
from hermetic.errors import ConfigurationError
from tests.database.backends.postgresql.server.conftest import Make
from tests.database.backends.postgresql.server.processes import gone


def program(path: Path, text: str) -> None:
    """Write a shell script in place of a program."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def broken(place: Path) -> Binaries:
    """Binaries whose initdb does, and whose server says something and ends."""
    path = place / "broken" / "bin"
    path.mkdir(parents=True)
    version = '--version) echo "postgres (PostgreSQL) 19devel"'
    program(path / "postgres", f'case "$1" in {version};; *) echo FATAL: no; exit 3;; esac')
    program(path / "initdb", "exit 0")
    return Binaries(path, str(path))


def test_the_servers_own_words_are_told(make: Make, broken: Binaries) -> None:
    """How it ended, its log, the command, and the setting that chose it; again for whoever asks again."""
    instance = make(binaries=broken)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="does not start") as caught:
            instance.start()
        for part in ("exit status 3", "FATAL: no", f"{broken.path}/postgres -D", "hermetic_postgresql"):
            assert part in str(caught.value)
    instance.stop()
    assert gone(instance.home)


def test_a_port_that_is_taken_is_told(make: Make) -> None:
    """The server's log says what is wrong."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        instance = make(where=Address("", taken.getsockname()[1]))
        with pytest.raises(ConfigurationError, match="Address already in use"):
            instance.start()


def test_a_server_that_hangs_is_ended(make: Make, broken: Binaries) -> None:
    """The wait is bounded."""
    program(
        broken.path / "postgres",
        'case "$1" in --version) echo "postgres (PostgreSQL) 17.1";; *) exec sleep 600;; esac',
    )
    instance = make(binaries=broken, limit=2)
    with pytest.raises(ConfigurationError, match=r"did not accept connections within 2 s"):
        instance.start()
    instance.stop()
    assert gone(instance.home)


def test_a_failing_initdb_is_told(make: Make, broken: Binaries) -> None:
    """With its command and what it said."""
    program(broken.path / "initdb", "echo no such locale >&2; exit 1")
    with pytest.raises(ConfigurationError, match="no such locale") as caught:
        make(binaries=broken).start()
    assert "initdb --pgdata" in str(caught.value)


def test_something_else_than_postgres_is_told(make: Make, broken: Binaries) -> None:
    """A program of that name that does not know its version."""
    program(broken.path / "postgres", "echo hello")
    with pytest.raises(ConfigurationError, match="--version says: hello"):
        make(binaries=broken).start()


def test_a_launcher_that_ends_at_once_is_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Python said is in the log."""
    monkeypatch.setattr(
        "hermetic.database.backends.postgresql.server.launch.BOOT", "raise SystemExit('no luck')"
    )
    instance = make()
    with pytest.raises(ConfigurationError, match="ended without a word") as caught:
        instance.start()
    assert "no luck" in str(caught.value)
    instance.stop()
    assert gone(instance.home)


def test_a_launcher_that_says_nothing_is_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait for it is bounded too, and so is the wait for its end."""
    boot = "import sys; sys.stdout.flush(); sys.stdin.close(); import time; time.sleep(600)"
    monkeypatch.setattr("hermetic.database.backends.postgresql.server.launch.BOOT", boot)
    instance = make(limit=0.05)
    with pytest.raises(ConfigurationError, match="nothing was heard of it"):
        instance.start()


def test_a_missing_interpreter_is_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a place that cannot be used, not as a traceback of subprocess."""
    monkeypatch.setattr("sys.executable", "/no/such/python")
    with pytest.raises(ConfigurationError, match="No such file"):
        make().start()


def test_a_place_that_is_a_file_is_told(make: Make, tmp_path: Path) -> None:
    """A directory that cannot be one is named, with the setting."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="hermetic_directory"):
        make(directory=tmp_path / "file").start()


@pytest.mark.skipif(os.getuid() != 0, reason="only root's server runs as somebody else")
def test_a_place_that_the_server_cannot_enter_is_told(make: Make, tmp_path: Path) -> None:
    """As under root's home; with who it runs as, and the setting."""
    tmp_path.chmod(0o700)
    instance = make(directory=tmp_path)
    with pytest.raises(ConfigurationError, match="cannot enter") as caught:
        instance.start()
    assert "hermetic_directory" in str(caught.value)


@pytest.fixture
def small(place: Path) -> Iterator[Path]:
    """A file system in memory with 10 MB, a third of an empty cluster."""
    path = place / "small"
    path.mkdir()
    mounted = os.getuid() == 0 and shutil.which("mount")
    command = ["mount", "-t", "tmpfs", "-o", "size=10m,mode=755", "tmpfs", str(path)]
    if not mounted or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root, with the right to mount, can make a small file system")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.mark.parametrize("warm", [True, False], ids=["copying", "initdb"])
def test_a_full_disk_is_told(
    make: Make, small: Path, warm: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says so, and nothing half-written stays, nor in the cache."""
    if not warm:
        monkeypatch.setenv("HERMETIC_CACHE", str(tmp_path))
    else:
        make().start()
    instance = make(directory=small)
    with pytest.raises(ConfigurationError, match=r"file system is full|No space left on device"):
        instance.start()
    assert not (instance.home / "data").exists()
    instance.stop()
    assert list(small.iterdir()) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_a_full_cache_is_only_slower(make: Make, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run has what it needs; nothing half-made is left in the cache for the next one."""
    monkeypatch.setenv("HERMETIC_CACHE", str(small))
    instance = make()
    instance.connect().close()
    assert [path.suffix for path in (small / "initdb").iterdir()] == [".lock"]
    instance.keep()
    instance.stop()
    assert gone(instance.home)
    assert list((small / "projects").iterdir()) == []
