"""Locks that go when whoever took them ends, and no sooner.

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

SHARED = fcntl.LOCK_SH
EXCLUSIVE = fcntl.LOCK_EX


RECORD = "hhqqi"
"""``struct flock``: type, whence, start, length (0: all of it), pid."""


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
