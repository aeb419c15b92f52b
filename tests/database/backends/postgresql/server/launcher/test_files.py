"""Tests of files that appear as a whole, and of locks that only their holder's end drops."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hermetic.database.backends.postgresql.server.launcher import files
from hermetic.database.backends.postgresql.server.launcher.files import EXCLUSIVE, SHARED


def test_a_lock_excludes(tmp_path: Path) -> None:
    """Also within one process; readers do not exclude each other."""
    path = str(tmp_path / "lock")
    with files.locked(path, fcntl.LOCK_SH):
        with files.locked(path, fcntl.LOCK_SH | fcntl.LOCK_NB):
            pass
        with pytest.raises(BlockingIOError), files.locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB):
            raise AssertionError  # pragma: no cover - it is never held
    with files.locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB):
        pass


def test_a_file_is_written_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it cannot be, the old one stays and nothing half-written does."""
    path = tmp_path / "file"
    files.write_whole(str(path), "one")

    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="No space"):
        files.write_whole(str(path), "two")
    assert list(tmp_path.iterdir()) == [path]
    assert files.read(str(path)) == "one"
    assert files.read(str(tmp_path / "nothing")) is None


def test_whatever_is_there_is_removed(tmp_path: Path) -> None:
    """A directory, a link but not what it leads to, or nothing."""
    (tmp_path / "directory" / "below").mkdir(parents=True)
    (tmp_path / "directory" / "below" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "directory")
    files.remove(str(tmp_path / "link"))
    assert (tmp_path / "directory" / "below" / "file").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "link").symlink_to(tmp_path / "directory")
    files.remove(str(tmp_path / "other"))
    assert (tmp_path / "directory" / "below" / "file").exists()
    files.remove(str(tmp_path / "directory"))
    files.remove(str(tmp_path / "directory"))
    assert list(tmp_path.iterdir()) == []


Open = Callable[[], int]


@pytest.fixture(params=["of a description", "none of those", "refused"])
def opened(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens one file again and again, on a system with open file description locks and on others."""
    if request.param == "none of those":
        monkeypatch.setattr(sys, "platform", "darwin")
    elif request.param == "refused":
        monkeypatch.setattr(fcntl, "fcntl", refuse)
    elif sys.platform != "linux":
        pytest.skip("no open file description locks")
    made: list[int] = []

    def one() -> int:
        made.append(os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT))
        return made[-1]

    yield one
    for descriptor in made:
        os.close(descriptor)


def refuse(*_: object) -> None:
    """Answer as a kernel that does not know what is asked."""
    raise OSError(errno.EINVAL, "Invalid argument")


def test_holders_share_it(opened: Open) -> None:
    """Nobody gets it alone meanwhile; the last of them does."""
    first, second, other = opened(), opened(), opened()
    assert files.take(first, SHARED)
    assert files.take(second, SHARED)
    assert not files.take(first, EXCLUSIVE)
    assert not files.is_free(other)
    os.close(os.dup(second))
    assert not files.take(other, EXCLUSIVE)


def test_a_stranger_of_this_process_does_not_drop_it(opened: Open, tmp_path: Path) -> None:
    """One that opens, reads and closes every file it finds."""
    assert files.take(opened(), SHARED)
    (tmp_path / "lock").read_bytes()
    assert not files.is_free(opened())


def test_it_goes_with_the_last_descriptor(opened: Open, tmp_path: Path) -> None:
    """Whoever waits for it has it then."""
    held = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    assert files.take(held, SHARED)
    waiting = threading.Thread(target=files.wait_for, args=(opened(),))
    waiting.start()
    assert waiting.is_alive()
    os.close(held)
    waiting.join()
    assert not files.is_free(opened())


def test_what_was_asked_of_a_free_one(opened: Open) -> None:
    """That it is free."""
    assert files.is_free(opened())


@pytest.mark.skipif(sys.platform != "linux", reason="open file description locks see record locks")
def test_versions_from_before_see_it(tmp_path: Path) -> None:
    """They ask with a record lock, and take no living run for a dead one."""
    held = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    assert files.take(held, SHARED)
    script = "import fcntl, sys\nfcntl.lockf(open(sys.argv[1], 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    command = [sys.executable, "-c", script, str(tmp_path / "lock")]
    assert b"BlockingIOError" in subprocess.run(command, check=False, capture_output=True).stderr
    os.close(held)
    assert subprocess.run(command, check=False).returncode == 0


def test_an_error_is_no_lock(tmp_path: Path) -> None:
    """A file that is open for reading only cannot be locked for writing."""
    with (tmp_path / "lock").open("w"):
        pass
    with (tmp_path / "lock").open() as readable:
        assert not files.take(readable.fileno(), EXCLUSIVE) or sys.platform != "linux"
