"""A stopped data directory as one file, which is how the cache keeps it.

One file, because it is renamed into place as a whole: a reader who has opened it keeps what it opened, a run that ends
at the same time replaces it, and neither needs a lock. And because it is faster than a directory of 974 files, twice as
fast to write on a disk. It has a line of JSON that names the entries, then the files' bytes, then a checksum of it all:
PostgreSQL would start on a flipped bit, and answer wrongly. It is computed in a thread while the files are written,
which hides it on two processors (28 MB: 20 ms). Whoever could write an archive could run programs as the server's
user, and as root write anywhere: so one is read only if it is ours and nobody else's, and no entry leaves its
directory.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import threading
import zlib
from collections.abc import Iterator

from . import files
from .account import Account

LEFT_OUT = frozenset({"postmaster.pid", "postmaster.opts"})
"""Files of a running server, which a copy of its data must not have."""

Entry = tuple[str, str, int]  # "d" or "f", the path below the data directory, the size in bytes


TRAILER = 9
"""Bytes of the checksum: eight digits and the end of the line."""

PART = re.compile(r"(?!\.{1,2}(?:/|$))[^/\0]+")
NAME = re.compile(rf"{PART.pattern}(?:/{PART.pattern})*")
"""A path below a directory, which leads nowhere else."""


class NotOurs(Exception):
    """An archive that somebody else made or can write: it is neither read nor removed; the text says why."""


class Damaged(Exception):
    """An archive that is not as it was packed; the text says how."""


def pack(data: str, path: str, version: str) -> None:
    """Keep the data directory of a stopped server in a file; nothing half-written stays where that fails."""
    entries = list(_entries(data, ""))
    new = f"{path}.{os.getpid()}.new"
    try:
        with open(new, "w+b", buffering=0, opener=files.private) as file:
            file.write(json.dumps({"version": version, "entries": entries}).encode() + b"\n")
            for kind, name, size in entries:
                if kind == "f":
                    given = os.open(f"{data}/{name}", os.O_RDONLY | os.O_NOFOLLOW)
                    try:
                        _copy(given, 0, file.fileno(), size)
                    finally:
                        os.close(given)
            file.write(_checksum(file.fileno(), file.tell()))
            os.fsync(file.fileno())  # else a crash of the machine could leave a name without content
        os.rename(new, path)
    except OSError:
        files.remove(new)
        raise


def unpack(path: str, data: str, who: Account) -> str | None:
    """Make a data directory from such a file; all of it belongs to that account and to nobody else.

    Returns:
        The server's version; None where there is no such file, or none that we can read.

    Raises:
        NotOurs: It is another user's, or others can write it.
        Damaged: It is not as it was packed. It is gone then, and so is what was made of it.
    """
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115
    except OSError:
        return None
    with file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
            raise NotOurs(f"{path} is not used: it is not a file that only user {os.getuid()} can write")
        try:
            return _unpack(file.fileno(), *_header(file.readline(), status.st_size), data, who)
        except Damaged:
            files.remove(data)
            _discard(path, status)
            raise


def _header(line: bytes, size: int) -> tuple[int, list[Entry], str]:
    """Return where the files begin, the entries, and the server's version."""
    try:
        header = json.loads(line)
        entries = [(str(kind), str(name), int(length)) for kind, name, length in header["entries"]]
        version = str(header["version"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise Damaged("it does not begin as it should") from None
    if any(kind not in ("d", "f") or length < 0 for kind, _, length in entries):
        raise Damaged("an entry is neither a file nor a directory")
    if not all(NAME.fullmatch(name) for _, name, _ in entries):
        raise Damaged("an entry leads out of its directory")
    if size != len(line) + sum(length for _, _, length in entries) + TRAILER:
        raise Damaged("it is shorter or longer than it should be")
    return len(line), entries, version


def _unpack(given: int, offset: int, entries: list[Entry], version: str, data: str, who: Account) -> str:
    end = os.fstat(given).st_size - TRAILER
    found: list[bytes] = []
    checking = threading.Thread(target=lambda: found.append(_checksum(given, end)))
    checking.start()
    try:
        _make(given, offset, entries, data, who)
    finally:
        checking.join()
        if found != [os.pread(given, TRAILER, end)]:
            raise Damaged("its checksum is wrong") from None  # and whatever else went wrong for that
    return version


def _make(given: int, offset: int, entries: list[Entry], data: str, who: Account) -> None:
    _make_directory(data, who)
    for kind, name, size in entries:
        if kind == "d":
            _make_directory(f"{data}/{name}", who)
        else:
            _make_file(f"{data}/{name}", who, given, offset, size)
            offset += size


def _discard(path: str, status: os.stat_result) -> None:
    """Remove a file, unless another one has taken its name meanwhile."""
    try:
        now = os.lstat(path)
    except OSError:
        return
    if (now.st_dev, now.st_ino) == (status.st_dev, status.st_ino):
        files.remove(path)


def _checksum(given: int, end: int) -> bytes:
    """Return the checksum of what is before ``end``, as it is written there."""
    sum_, offset = 0, 0
    while offset < end and (part := os.pread(given, min(end - offset, 1 << 20), offset)):
        sum_ = zlib.crc32(part, sum_)
        offset += len(part)
    return b"%08x\n" % sum_


def _without_waiting(path: str, flags: int) -> int:
    """Open a file, for ``open``; neither through a link nor waiting for somebody at the other end of a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _entries(data: str, below: str) -> Iterator[Entry]:
    """List directories before what is in them. Links, which only tablespaces have, are left out."""
    with os.scandir(f"{data}/{below}") as found:
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                yield "d", f"{below}{entry.name}", 0
                yield from _entries(data, f"{below}{entry.name}/")
            elif entry.is_file(follow_symlinks=False) and entry.name not in LEFT_OUT:
                yield "f", f"{below}{entry.name}", entry.stat(follow_symlinks=False).st_size


def _make_directory(path: str, who: Account) -> None:
    os.mkdir(path, 0o700)
    os.chown(path, *who)


def _make_file(path: str, who: Account, given: int, offset: int, size: int) -> None:
    made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.fchown(made, *who)
        _copy(given, offset, made, size)
    finally:
        os.close(made)


def _copy(given: int, offset: int, made: int, size: int) -> None:
    end = offset + size
    while offset < end:
        if sys.platform == "linux":
            done = os.sendfile(made, given, offset, end - offset)
        else:  # pragma: no cover - elsewhere sendfile wants a socket
            done = os.write(made, os.pread(given, min(end - offset, 1 << 20), offset))
        if not done:
            raise OSError(5, "a file became shorter while it was copied")
        offset += done
