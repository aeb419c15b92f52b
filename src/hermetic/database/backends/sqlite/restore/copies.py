"""Copies of a whole database: in memory, as its baseline; from and to templates; and as files, of failed tests.

``sqlite3.Connection.backup`` copies pages, so everything comes with them: rows, ``sqlite_sequence``, DDL,
``user_version``, the shadow tables of FTS5. It raises the schema cookie, so that open connections parse the schema
again by themselves. It waits without end for other connections' locks; here it is given a time.

A kept file has a note of whose it is beside it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote
from weakref import finalize

from sqlalchemy import URL

from hermetic.database.backends.sqlite.template_files import TemplateFiles
from hermetic.database.driver_seams import uncontained
from hermetic.database.stored import PREFIX, Kept, NotKept, kept_name, noted, room_for
from hermetic.database.templates import Damaged, Note, NoTemplate, Template
from hermetic.threads import now

RETRY = 0.002
"""Seconds between two tries of a copy that another connection's lock refused."""

NOTE = ".json"
UNFINISHED = ".new"
PATIENCE = 2.0
"""Seconds to try to copy a failed test's database."""


class Blocked(Exception):
    """A copy was refused for as long as it might take."""


@dataclass(frozen=True)
class RawText:
    """A text that is not valid UTF-8, which SQLite stores as it stores any other."""

    data: bytes


def _text(data: bytes) -> str | RawText:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return RawText(data)


def copy(source: sqlite3.Connection, target: sqlite3.Connection, seconds: float) -> None:
    """Copy a whole database over another one.

    Args:
        source: What is copied.
        target: What is overwritten, in one transaction.
        seconds: How long to try while another connection's lock is in the way.

    Raises:
        Blocked: It still was after that time.
    """
    deadline = now() + seconds

    def progress(status: int, remaining: int, total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and now() >= deadline:
            raise Blocked

    source.backup(target, progress=progress, sleep=RETRY)


class Snapshot:
    """A database's content at one moment. Nobody changes one that others can see.

    Attributes:
        connection: The in-memory database that holds it.
    """

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection.text_factory = _text
        self._closing = finalize(self, self.connection.close)

    @classmethod
    def take(cls, live: sqlite3.Connection, seconds: float = 2.0) -> Snapshot:
        """Copy what a connection's database holds now; raise ``Blocked`` after ``seconds``."""
        snapshot = cls()
        copy(live, snapshot.connection, seconds)
        return snapshot

    def duplicate(self) -> Snapshot:
        """Copy it, for somebody who will change the copy before others see it."""
        return Snapshot.take(self.connection)

    def write_to(self, live: sqlite3.Connection, seconds: float) -> None:
        """Put it in place of what a connection's database holds; raise ``Blocked`` after ``seconds``."""
        copy(self.connection, live, seconds)

    def close(self) -> None:
        """Give its memory back."""
        self._closing()


Patiently = Callable[[Callable[[float], Any]], Any]
"""Copies pages, with so many seconds for the locks of others."""


class Templated:
    """What one database can do with templates; see ``hermetic.database.templates.Fillable``.

    Args:
        live: A connection to it.
        templates: Where they are.
        patiently: Waits for the locks of others.
    """

    def __init__(self, live: sqlite3.Connection, templates: TemplateFiles, patiently: Patiently) -> None:
        self._live = live
        self._templates = templates
        self._patiently = patiently

    def template_locked(self, key: str) -> AbstractContextManager[None]:
        """Let one process of all that share the cache build a template at a time."""
        return self._templates.exclusively()

    def find_template(self, key: str) -> Template | None:
        """Return the template that it can become a copy of."""
        found = self._templates.find(key)
        if found is None:
            return None
        path, note = found
        built = str(note.get("built", "some time ago"))
        return Template(
            built, self._templates.is_of_this_run(note), note, partial(self._become_copy_of, path)
        )

    def _become_copy_of(self, path: Path) -> None:
        uri = f"file:{quote(str(path))}?mode=ro&immutable=1"  # nothing is written where it is, no lock either
        try:
            with uncontained(), closing(sqlite3.connect(uri, uri=True)) as template:
                self._patiently(partial(copy, template, self._live))
        except (sqlite3.Error, Blocked) as error:
            raise Damaged(f"{path} could not be copied: {error}") from error

    def keep_template(self, key: str, note: Note) -> None:
        """Keep it as a template; raise ``NoTemplate`` where somebody is in the way."""
        try:
            self._templates.keep(key, note, lambda target: self._patiently(partial(copy, self._live, target)))
        except Blocked:
            raise NoTemplate("somebody else has a write transaction open in it") from None


def keep_file(live: sqlite3.Connection, test: str, folder: Path) -> Kept:
    """Copy what a connection's database holds now into a file.

    Args:
        live: The connection.
        test: Whose database it is.
        folder: Where kept files are; made if need be, with a ``.gitignore`` of its own above it.

    Raises:
        NotKept: There are too many already, or somebody holds a lock.
        OSError, sqlite3.Error: The file cannot be written. Whatever is raised, nothing is left of it.
    """
    for name in room_for(test, kept_files(folder)):
        remove_kept_file(folder, name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    name = kept_name(test)
    file = folder / f"{name}.db"
    try:
        with closing(sqlite3.connect(file)) as target:
            copy(live, target, PATIENCE)
        _note(file, noted(test, str(folder.parents[1])))
    except Blocked:
        remove_kept_file(folder, name)
        raise NotKept("somebody who outlives the test holds a write transaction in it") from None
    except BaseException:
        remove_kept_file(folder, name)
        raise
    return Kept(file.name, URL.create("sqlite", database=str(file)))


def _note(file: Path, note: Mapping[str, str]) -> None:
    """Write a file's note in one step: other workers, and ``hermetic db``, read it."""
    new = file.with_suffix(UNFINISHED)
    new.write_text(json.dumps(note), encoding="utf-8")
    new.replace(file.with_suffix(NOTE))


def kept_files(folder: Path) -> dict[str, dict[str, str]]:
    """Return what is noted of each kept file, by its name without the ending."""
    return {
        path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob(f"{PREFIX}*{NOTE}"))
    }


def remove_kept_file(folder: Path, name: str) -> None:
    """Remove a kept file and its note, whole or not."""
    for ending in (".db", NOTE, UNFINISHED):
        (folder / f"{name}{ending}").unlink(missing_ok=True)
