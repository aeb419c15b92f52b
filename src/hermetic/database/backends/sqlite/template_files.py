"""The templates of a project on SQLite: files in the user's cache, which later runs and all workers copy.

    CACHE/sqlite-USER/PROJECT/hermetic_t_FINGERPRINT.db   a database, behind it a note
    CACHE/sqlite-USER/PROJECT/lock                        held by whoever looks for one, or builds it

A template is one file: behind the database comes a note of JSON, and last a checksum of both. One file, because it is
renamed into place as a whole: a reader needs no lock, and a cache that can only be read serves as well. SQLite reads as
many pages as the first of them says and passes over what follows, so that any program opens it as the database that it
is. The checksum is there because SQLite would not notice a flipped bit in a row.

What cannot be locked, read or written is no error: then each run, and each of its workers, builds its own as long as
that is so, and the closing lines say why.

A copy goes through SQLite's backup function, from the disk into memory. Measured for 0.5 / 8 / 74 MB, in ms:

    =========================================  ===  ====  =====
    backup function                            0.6    12    121
    ``shutil.copyfile``, which has to be       0.3     7     66
    alone with the database
    ``deserialize``, then the backup function  0.6    29    280
    the checksum, beside each of them          0.1     8     73
    =========================================  ===  ====  =====

``copy_file_range`` and reflinks do not lead from one file system to another.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
import stat
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from hermetic.database import folders
from hermetic.database.driver_seams import uncontained
from hermetic.database.folders import cache_directory, locked
from hermetic.database.templates import Damaged, Note, NoTemplate

TRAILER = struct.Struct(">II8s")
"""The length of the note, the checksum of all that is before it, and a word that says that this is ours."""

OURS = b"hermetic"
PART = 1 << 20


class Broken(Exception):
    """A file is not as it was sealed; the text says how."""


def make_private(path: Path) -> None:
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


PREFIX = "hermetic_t_"
KEPT_TEMPLATES = 3
"""How many templates of one project stay: today's, and those of the branches that one goes back and forth between."""

DAYS = 60
"""After how many a project's templates go that no run has used."""

LOCK = "lock"
UNFINISHED = ".new"


class TemplateFiles:
    """Keeps a project's templates.

    Args:
        project: Its root.
        rebuild: Whether templates of earlier runs do not count.

    Attributes:
        folder: Where they are.
    """

    def __init__(self, project: Path, *, rebuild: bool = False) -> None:
        self._project = project
        self._rebuild = rebuild
        self._run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or secrets.token_hex(4)
        name = sha256(os.fsencode(project.resolve())).hexdigest()[:16]
        self.folder = cache_directory() / f"sqlite-{folders.user()}" / name
        self._in_use: set[Path] = set()

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Let one process at a time look for a template and build it, where the folder can be locked.

        Raises:
            NoTemplate: Somebody else can write where it is.
        """
        with suppress(OSError):  # whoever keeps a template says it
            self._make_folder()
        self._refuse_others()
        with locked(self.folder / LOCK) as is_locked:
            if is_locked:
                self._forget_unfinished()
            yield

    def _refuse_others(self) -> None:
        above = self.folder.parent
        try:
            status = above.lstat()
        except OSError:
            return  # it could not be made
        if not stat.S_ISDIR(status.st_mode) or not folders.is_private(status):
            raise NoTemplate(f"since {above} is not a folder that only user {folders.user()} can write")

    def _forget_unfinished(self) -> None:
        """Remove what a process left that was killed."""
        with suppress(OSError):
            for left in self.folder.glob(f"*{UNFINISHED}*"):
                left.unlink()

    def _make_folder(self) -> None:
        self.folder.parent.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self.folder.parent, self.folder):
            folder.mkdir(0o700, exist_ok=True)

    def _file(self, key: str) -> Path:
        return self.folder / f"{PREFIX}{key}.db"

    def find(self, key: str) -> tuple[Path, Note] | None:
        """Return the template of a key and what is noted of it, or None where there is none that counts.

        Raises:
            Damaged: It is not as it was kept, and is gone.
        """
        path = self._file(key)
        try:
            note = checked(path)
        except FileNotFoundError:
            return None
        except Broken as error:
            with suppress(OSError):
                path.unlink()
            raise Damaged(f"what was kept as {path} is not used: {error}") from error
        if self._rebuild and not self.is_of_this_run(note):
            return None
        self._in_use.add(path)
        with suppress(OSError):  # a cache that can only be read serves as well
            os.utime(self.folder)
        return path, note

    def is_of_this_run(self, note: Note) -> bool:
        """Whether this run, in whatever process, built the template of that note."""
        return note.get("run") == self._run

    def keep(self, key: str, note: Note, copy: Callable[[sqlite3.Connection], object]) -> None:
        """Keep a template.

        Args:
            key: Its own.
            note: What is noted with it, besides whose it is and when it was built.
            copy: Copies a database into one that a connection has open.

        Raises:
            NoTemplate: It could not be kept.
        """
        path = self._file(key)
        new = path.with_suffix(f".{os.getpid()}{UNFINISHED}")
        try:
            self._make_folder()
            make_private(new)
            with uncontained(), closing(sqlite3.connect(new, isolation_level=None)) as target:
                target.execute("PRAGMA journal_mode=OFF").close()
                target.execute("PRAGMA synchronous=OFF").close()
                copy(target)
            seal(new, {**note, **self._own_note()})
            new.replace(path)
        except (OSError, sqlite3.Error) as error:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            reason = getattr(error, "strerror", None) or error
            raise NoTemplate(f"{self.folder}: {reason}; HERMETIC_CACHE names another place") from error
        self._in_use.add(path)
        self._forget_old()

    def _own_note(self) -> dict[str, Any]:
        built = datetime.now().astimezone().isoformat(" ", "seconds")
        return {"project": str(self._project), "built": built, "run": self._run}

    def templates(self) -> list[tuple[Path, dict[str, Any]]]:
        """Return the templates with what is noted of each, the newest first."""
        of_each = [(path, noted(path)) for path in self.folder.glob(f"{PREFIX}*.db")]
        return sorted(of_each, key=lambda each: str(each[1].get("built", "")), reverse=True)

    def _forget_old(self) -> None:
        """Drop what is older than the newest few, but for what this run uses; and what projects left that are gone."""
        old = [path for path, _ in self.templates() if path not in self._in_use][KEPT_TEMPLATES:]
        with suppress(OSError):  # another run was faster
            for path in old:
                path.unlink()
            for folder in self.folder.parent.iterdir():
                if folder.stat().st_mtime < time.time() - DAYS * 86400:
                    shutil.rmtree(folder, ignore_errors=True)
