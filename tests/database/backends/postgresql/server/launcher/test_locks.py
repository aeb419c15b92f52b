"""Tests of locks that only their holder's end drops."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server.launcher import locks
from hermetic.database.backends.postgresql.server.launcher.locks import EXCLUSIVE, SHARED

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
    assert locks.take(first, SHARED)
    assert locks.take(second, SHARED)
    assert not locks.take(first, EXCLUSIVE)
    assert not locks.is_free(other)
    os.close(os.dup(second))
    assert not locks.take(other, EXCLUSIVE)


def test_a_stranger_of_this_process_does_not_drop_it(opened: Open, tmp_path: Path) -> None:
    """One that opens, reads and closes every file it finds."""
    assert locks.take(opened(), SHARED)
    (tmp_path / "lock").read_bytes()
    assert not locks.is_free(opened())


def test_it_goes_with_the_last_descriptor(opened: Open, tmp_path: Path) -> None:
    """Whoever waits for it has it then."""
    held = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    assert locks.take(held, SHARED)
    waiting = threading.Thread(target=locks.wait_for, args=(opened(),))
    waiting.start()
    assert waiting.is_alive()
    os.close(held)
    waiting.join()
    assert not locks.is_free(opened())


def test_what_was_asked_of_a_free_one(opened: Open) -> None:
    """That it is free."""
    assert locks.is_free(opened())


@pytest.mark.skipif(sys.platform != "linux", reason="open file description locks see record locks")
def test_versions_from_before_see_it(tmp_path: Path) -> None:
    """They ask with a record lock, and take no living run for a dead one."""
    held = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    assert locks.take(held, SHARED)
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
        assert not locks.take(readable.fileno(), EXCLUSIVE) or sys.platform != "linux"
