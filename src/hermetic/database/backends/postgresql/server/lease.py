"""How a process of the run says that it lives: a shared lock on ``home/alive``, see ``launcher/locks.py``.

Each process opens the file once and counts here. A child that pytest forks lets go of it at once, so that a forgotten
one keeps no server alive; it may hold the home itself.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock

with suppress(ImportError):  # Windows, where no server is started
    from hermetic.database.backends.postgresql.server.launcher import locks

_mutex = RLock()
_held: dict[Path, tuple[int, int]] = {}  # home -> descriptor, how many instances


def make(home: Path, text: str) -> None:
    """Make a home and hold it; where another process of the run was faster, hold that one.

    It appears under its name only once it is held, so that nobody takes it for a dead run's.

    Args:
        home: The directory to make.
        text: What ``alive`` says, for people.
    """
    new = home.with_name(f".{home.name}.{os.getpid()}.new")
    with _mutex:
        try:
            held = _made(new, text)
        except OSError:
            shutil.rmtree(new, ignore_errors=True)
            raise
        try:
            new.rename(home)
        except OSError:
            os.close(held)
            shutil.rmtree(new, ignore_errors=True)
            if not home.is_dir():
                raise
            hold(home)
            return
        _held[home] = held, 1


def _made(home: Path, text: str) -> int:
    """Make the directory with its lock; return the descriptor that holds it."""
    home.mkdir(mode=0o700)
    held = os.open(home / "alive", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        locks.take(held, locks.SHARED)
        os.write(held, text.encode())
        if os.getuid() == 0:
            home.chmod(0o711)  # the server's user must get to its own directories in it
    except OSError:
        os.close(held)
        raise
    return held


def hold(home: Path) -> bool:
    """Hold a home that exists; once more for each call. Return False where its run is just ending.

    Raises:
        FileNotFoundError: There is no such home.
    """
    with _mutex:
        if home in _held:
            held, count = _held[home]
            _held[home] = held, count + 1
            return True
        held = os.open(home / "alive", os.O_RDWR)
        if not locks.take(held, locks.SHARED):
            os.close(held)
            return False
        _held[home] = held, 1
        return True


def release(home: Path) -> bool:
    """Let go once; return whether nobody else holds the home now."""
    with _mutex:
        if home not in _held:
            return False
        held, count = _held[home]
        if count > 1:
            _held[home] = held, count - 1
            return False
        last = locks.take(held, locks.EXCLUSIVE)
        os.close(_held.pop(home)[0])
        return last


def holds(home: Path) -> bool:
    """Whether this process holds that home."""
    with _mutex:
        return home in _held


def is_dead(home: Path) -> bool:
    """Whether neither a process of that home's run nor its launcher lives."""
    return _is_free(home / "alive") and _is_free(home / "launcher", missing=True)


def has_launcher(home: Path) -> bool:
    """Whether a launcher is at work there."""
    return not _is_free(home / "launcher", missing=True)


@contextmanager
def watching(home: Path) -> Iterator[Callable[[], bool]]:
    """Watch the launcher of a home, which may go meanwhile; yields what tells whether its process has ended."""
    try:
        descriptor = os.open(home / "launcher", os.O_RDWR)
    except FileNotFoundError:
        yield lambda: True
        return
    try:
        yield lambda: locks.take(descriptor, locks.EXCLUSIVE)
    finally:
        os.close(descriptor)


def _is_free(path: Path, *, missing: bool = False) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return missing  # an "alive" that is missing is being made just now, or this is no home
    try:
        return locks.is_free(descriptor)
    finally:
        os.close(descriptor)


def _forget_parent() -> None:  # pragma: no cover - in a forked child, which no coverage sees
    """In a forked child nothing is held: the lock is the parent's as soon as the child's descriptor is closed."""
    global _mutex
    _mutex = RLock()  # the parent's may be another thread's, which is not here
    for descriptor, _ in _held.values():
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows
    os.register_at_fork(after_in_child=_forget_parent)
