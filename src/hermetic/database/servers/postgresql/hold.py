"""How a process of the run says that it lives: a shared record lock on ``home/alive``.

A record lock (``fcntl.lockf``) and not ``flock``: a child that pytest forks does not get it, so a forgotten one keeps
no server alive. Record locks have one trap: a process that closes *any* descriptor of the file loses its lock. So each
process opens it once, counted here, and never looks at the ``alive`` of a home that it holds itself.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows, where no server is started
    fcntl = None  # type: ignore[assignment]

_mutex = RLock()
_held: dict[Path, tuple[int, int, int]] = {}  # home -> pid, descriptor, how many instances


def make(home: Path, text: str) -> None:
    """Make a home and hold it; where another process of the run was faster, hold that one.

    It appears under its name only once it is held, so that nobody takes it for a dead run's.

    Args:
        home: The directory to make.
        text: What ``alive`` says, for people.
    """
    new = home.with_name(f".{home.name}.{os.getpid()}.new")
    with _mutex:
        new.mkdir(mode=0o700)
        try:
            held = os.open(new / "alive", os.O_RDWR | os.O_CREAT, 0o600)
            _lock(held, fcntl.LOCK_SH)
            os.write(held, text.encode())
            if os.getuid() == 0:
                new.chmod(0o711)  # the server's user must get to its own directories in it
            new.rename(home)
        except OSError:
            shutil.rmtree(new, ignore_errors=True)
            if not home.is_dir():
                raise
            os.close(held)
            hold(home)
            return
        _held[home] = os.getpid(), held, 1


def hold(home: Path) -> bool:
    """Hold a home that exists; once more for each call. Return False where its run is just ending.

    Raises:
        FileNotFoundError: There is no such home.
    """
    with _mutex:
        _forget_parent()
        if home in _held:
            pid, held, count = _held[home]
            _held[home] = pid, held, count + 1
            return True
        held = os.open(home / "alive", os.O_RDWR)
        if not _lock(held, fcntl.LOCK_SH):
            os.close(held)
            return False
        _held[home] = os.getpid(), held, 1
        return True


def release(home: Path) -> bool:
    """Let go once; return whether nobody else holds the home now."""
    with _mutex:
        _forget_parent()
        if home not in _held:
            return False
        pid, held, count = _held[home]
        if count > 1:
            _held[home] = pid, held, count - 1
            return False
        last = _lock(held, fcntl.LOCK_EX)
        os.close(_held.pop(home)[1])
        return last


def holds(home: Path) -> bool:
    """Whether this process holds that home, whose ``alive`` it must not open then."""
    with _mutex:
        _forget_parent()
        return home in _held


def is_dead(home: Path) -> bool:
    """Whether neither a process of that home's run nor its launcher lives."""
    with _mutex:
        _forget_parent()
        return home not in _held and _is_free(home / "alive") and _is_free(home / "launcher", missing=True)


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
        yield lambda: _lock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def _forget_parent() -> None:
    """In a forked child nothing is held: what the parent holds is the parent's, its descriptors are just closed."""
    for home, (pid, held, _) in list(_held.items()):
        if pid != os.getpid():  # pragma: no cover - the forked child, which no coverage sees
            os.close(held)
            del _held[home]


def _lock(descriptor: int, operation: int) -> bool:
    try:
        fcntl.lockf(descriptor, operation | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_free(path: Path, *, missing: bool = False) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return missing  # an "alive" that is missing is being made just now, or this is no home
    try:
        return _lock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)
