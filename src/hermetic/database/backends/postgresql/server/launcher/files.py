"""Files that appear as a whole or not at all, and locks that go when whoever took them ends, and no sooner.


A record lock (``fcntl.lockf``) goes when its process closes *any* descriptor of the file: a test that reads every file
of its project, a search for licences or secrets, would end the run's server. So these are open file description locks,
which belong to what one ``open`` returned. Where the system has none (macOS, some sandboxes) it is ``flock``, which is
the same in that; it does not see record locks, and the others do, so that versions of hermetic from before these locks
take no living run for a dead one.

A forked child shares what its parent opened, and with it the lock: a holder that may be forked closes it in the child.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

SHARED = fcntl.LOCK_SH
EXCLUSIVE = fcntl.LOCK_EX

RECORD = "hhqqi"
"""``struct flock``: type, whence, start, length (0: all of it), pid."""


@contextmanager
def locked(path: str, operation: int) -> Iterator[None]:
    """Hold a lock file (``fcntl.LOCK_SH`` or ``LOCK_EX``); it excludes threads of this process too."""
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, operation)
        yield
    finally:
        os.close(held)


def write_whole(path: str, text: str) -> None:
    """Write a file that a reader sees whole or not at all.

    A file system that fills up between the two leaves the old one.
    """
    new = f"{path}.{os.getpid()}.new"
    try:
        with open(new, "w", encoding="utf-8", opener=private) as file:
            file.write(text)
        os.rename(new, path)
    except OSError:
        remove(new)
        raise


def private(path: str, flags: int) -> int:
    """Open a file, for ``open``; nobody else can read or write one that it makes, whatever the umask."""
    return os.open(path, flags, 0o600)


def read(path: str) -> str | None:
    """Return what a file holds, or None where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def remove(path: str) -> None:
    """Remove a file or a directory, whatever is in it, if it is there."""
    if os.path.isdir(path) and not os.path.islink(path):
        for folder, folders, names in os.walk(path, topdown=False):
            for name in names:
                _remove_one(os.unlink, f"{folder}/{name}")
            for name in folders:
                _remove_one(os.unlink if os.path.islink(f"{folder}/{name}") else os.rmdir, f"{folder}/{name}")
        _remove_one(os.rmdir, path)
        return
    with suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(path)


def _remove_one(how: Callable[[str], None], path: str) -> None:
    with suppress(OSError):
        how(path)


def is_full(error: Exception) -> bool:
    """Whether this is how a full file system says so, be it through a program that failed for it."""
    codes = (errno.ENOSPC, errno.EDQUOT)
    return getattr(error, "errno", None) in codes or any(os.strerror(code) in str(error) for code in codes)


def take(descriptor: int, kind: int) -> bool:
    """Take a lock, or turn the one that is held into it; return False where somebody else's is in the way.

    Args:
        descriptor: Of a file that is open for reading and writing.
        kind: ``SHARED`` or ``EXCLUSIVE``.
    """
    try:
        if _of_description(descriptor, "F_OFD_SETLK", kind) is None:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_free(descriptor: int) -> bool:
    """Whether nobody else has a lock on a file; asked without taking one where that can be."""
    found = _of_description(descriptor, "F_OFD_GETLK", EXCLUSIVE)
    return take(descriptor, EXCLUSIVE) if found is None else found == fcntl.F_UNLCK


def wait_for(descriptor: int) -> None:
    """Wait until nobody else has a lock on a file, and take it."""
    if _of_description(descriptor, "F_OFD_SETLKW", EXCLUSIVE) is None:
        fcntl.flock(descriptor, EXCLUSIVE)


def _of_description(descriptor: int, command: str, kind: int) -> int | None:
    """Return the kind of lock that the answer names; None where the system has no such locks."""
    number = getattr(fcntl, command, None)
    if number is None or sys.platform != "linux":
        return None
    wanted = fcntl.F_RDLCK if kind == SHARED else fcntl.F_WRLCK
    try:
        answer = fcntl.fcntl(descriptor, number, struct.pack(RECORD, wanted, os.SEEK_SET, 0, 0, 0))
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise
    return int(struct.unpack_from(RECORD, answer)[0])
