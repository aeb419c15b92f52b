"""Locks, and files that appear as a whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress


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
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(path)


def is_full(error: Exception) -> bool:
    """Whether this is how a full file system says so, be it through a program that failed for it."""
    codes = (errno.ENOSPC, errno.EDQUOT)
    return getattr(error, "errno", None) in codes or any(os.strerror(code) in str(error) for code in codes)
