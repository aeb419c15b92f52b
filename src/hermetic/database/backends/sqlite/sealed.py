"""A template as one file: the database, behind it a note of JSON, and last a checksum of both.

One file, because it is renamed into place as a whole: a reader needs no lock, and a cache that can only be read serves
as well. SQLite reads as many pages as the first of them says and passes over what follows, so that any program opens
it as the database that it is. The checksum is there because SQLite would not notice a flipped bit in a row.
"""

from __future__ import annotations

import json
import os
import stat
import struct
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from hermetic.database import folders

TRAILER = struct.Struct(">II8s")
"""The length of the note, the checksum of all that is before it, and a word that says that this is ours."""

OURS = b"hermetic"
PART = 1 << 20


class Broken(Exception):
    """A file is not as it was sealed; the text says how."""


def make(path: Path) -> None:
    """Make an empty file that nobody else can read."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def seal(path: Path, note: Mapping[str, Any]) -> None:
    """Add a note and a checksum to a database that nobody has open."""
    text = json.dumps(note).encode()
    with path.open("r+b") as file:
        checksum = zlib.crc32(text, _checksum(file, file.seek(0, os.SEEK_END)))
        file.seek(0, os.SEEK_END)
        file.write(text + TRAILER.pack(len(text), checksum, OURS))


def noted(path: Path) -> dict[str, Any]:
    """Return what is noted in a file, whether or not the rest of it is whole; nothing of what none of ours is."""
    with suppress(OSError, Broken), _opened(path) as file:
        return _trailer(file)[0]
    return {}


def checked(path: Path) -> dict[str, Any]:
    """Return what is noted in a file that is as it was sealed.

    Raises:
        FileNotFoundError: There is none.
        Broken: It is not.
    """
    try:
        with _opened(path) as file:
            note, end, checksum = _trailer(file)
            if _checksum(file, end) != checksum:
                raise Broken("its checksum is wrong")
            return note
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as error:
        raise Broken(str(error.strerror)) from error


def _opened(path: Path) -> BinaryIO:
    """Open a file, neither through a link nor waiting for somebody at the other end of a pipe."""
    careful = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return open(path, "rb", buffering=0, opener=lambda name, flags: os.open(name, flags | careful))


def _trailer(file: BinaryIO) -> tuple[dict[str, Any], int, int]:
    """Return a file's note, how many of its bytes are before the trailer, and their checksum."""
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode) or not folders.is_private(status):
        raise Broken(f"it is not a file that only user {folders.user()} can write")
    end = status.st_size - TRAILER.size
    try:
        file.seek(end)
        length, checksum, word = TRAILER.unpack(file.read())
        file.seek(end - length)
        note = json.loads(file.read(length))
    except (OSError, ValueError, struct.error):
        raise Broken("it does not end as it should") from None
    if word != OURS or not isinstance(note, dict):
        raise Broken("it does not end as it should")
    return note, end, checksum


def _checksum(file: BinaryIO, end: int) -> int:
    """Return the checksum of what is before a place."""
    file.seek(0)
    sum_ = 0
    while end > 0 and (part := file.read(min(PART, end))):
        sum_ = zlib.crc32(part, sum_)
        end -= len(part)
    return sum_
