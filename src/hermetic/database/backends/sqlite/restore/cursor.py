"""The cursors that the application gets: each statement waits in line for the lock, and unfinished reading is known.

What a statement wants of SQLite's locks is told from its first word. SQLite itself knows exactly, but says it to C
callers only. The first word is enough, for the answer decides who is woken first and who is named, never what is
executed. An application's statements are few, so that most answers are remembered.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from sqlite3 import complete_statement
from typing import Any, cast

from hermetic.database.backends.sqlite.restore.database_state import Connection, Want, code_of
from hermetic.database.backends.sqlite.restore.waiting import perform
from hermetic.errors import ContainmentError

_WORDS = re.compile(r"(?:\s|--[^\n]*|/\*(?:[^*]|\*(?!/))*+\*/|;)*+([A-Za-z]+)(?:\s+([A-Za-z]+))?")
_WRITES_IN_WITH = re.compile(r"\b(?:insert|update|delete|replace)\b", re.IGNORECASE)
_EXPORT = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/|;)*VACUUM\b[^']*?\bINTO\s+(?:'(?P<file>(?:[^']|'')*)'|)",
    re.IGNORECASE | re.DOTALL,
)
_BUSY_TIMEOUT = re.compile(r"\s*pragma\s+(?:\w+\.)?busy_timeout\b", re.IGNORECASE)

_WANTS: dict[str, Want] = {
    "SELECT": "read",
    "VALUES": "read",
    "EXPLAIN": "read",
    "PRAGMA": "nothing",
    "BEGIN": "nothing",
    "SAVEPOINT": "nothing",
    "ROLLBACK": "nothing",
    "COMMIT": "commit",
    "END": "commit",
    "RELEASE": "commit",
}


def wanted_by(sql: str) -> Want:
    """Tell what a statement wants: to read, to write, to commit, or no lock that outlives it."""
    return _remembered(sql) if len(sql) < 2_000 else _wanted_by(sql)


def _wanted_by(sql: str) -> Want:
    words = _WORDS.match(sql)
    if words is None:
        return "nothing"
    first, second = words.group(1).upper(), (words.group(2) or "").upper()
    if first == "BEGIN" and second in ("IMMEDIATE", "EXCLUSIVE"):
        return "write"
    if first == "VACUUM" and _EXPORT.match(sql):
        return "export"
    if first == "WITH":
        return "write" if _WRITES_IN_WITH.search(sql) else "read"
    return _WANTS.get(first, "write")


_remembered = lru_cache(maxsize=512)(_wanted_by)


def exported_to(sql: str, parameters: Sequence[Any]) -> str | None:
    """Return the file that a statement would make of the database; None where it is no ``VACUUM INTO``."""
    found = _EXPORT.match(sql)
    if found is None:
        return None
    literal = found.group("file")
    if literal is not None:
        return str(literal).replace("''", "'")
    named = parameters[0] if parameters else ()
    values = list(named.values()) if isinstance(named, Mapping) else list(named)
    return str(values[0]) if values else ""


def is_busy_timeout(sql: str) -> bool:
    """Whether a statement reads or sets ``PRAGMA busy_timeout``."""
    return _BUSY_TIMEOUT.match(sql) is not None


def split(script: str) -> Iterator[str]:
    """Split a script into its statements, as ``sqlite3.Cursor.executescript`` does."""
    begun = ""
    for piece in script.split(";"):
        begun += piece
        if not complete_statement(begun + ";"):
            begun += ";"
            continue
        if begun.strip():
            yield begun
        begun = ""
    if begun.strip(" \t\r\n;"):
        yield begun.removesuffix(";")


class TrackedCursor(sqlite3.Cursor):
    """A cursor that waits in line for the lock, and knows whether it may have rows left.

    Attributes:
        pending: Whether it ran a statement that returns rows, and nobody has seen their end.
    """

    connection: Connection  # type: ignore[assignment]
    pending = False

    def execute(self, sql: str, *parameters: Any) -> Any:
        want = wanted_by(sql)
        if want == "nothing" and is_busy_timeout(sql):
            return self._busy_timeout(sql, *parameters)
        if want == "export":
            self._refuse_export(sql, parameters)
        self._run(want, partial(super().execute, sql, *parameters), sql)
        return self

    def _refuse_export(self, sql: str, parameters: tuple[Any, ...]) -> None:
        """Refuse to copy the database to where no test's files are.

        Raises:
            ContainmentError: It names the file.
        """
        file = exported_to(sql, parameters)
        if file and not self.connection.state.may_export(file):
            raise ContainmentError(
                f"VACUUM INTO would write the file {file}, which no test would remove.",
                why="hermetic lets a statement write files under pytest's temporary folders only.",
                hints=(
                    "copy to a file under tmp_path",
                    f"to really write it in tests: hermetic_allow = sqlite:///{file}",
                ),
            )

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Any:
        rows = _Resumable(parameters)
        self._run(wanted_by(sql), lambda: super(TrackedCursor, self).executemany(sql, rows.resumed()), sql)
        return self

    def executescript(self, script: str, /) -> Any:
        """Run a script one statement at a time, so that one that is refused can be tried again alone."""
        connection = self.connection
        level = connection.isolation_level
        if getattr(connection, "autocommit", -1) == -1:  # pragma: no branch - Python 3.12 on
            connection.commit()
            if level is not None:
                connection.isolation_level = None
        try:
            for statement in split(script):
                self.execute(statement)
                sqlite3.Cursor.fetchall(self)
                self._finished()
        finally:
            if level is not None:
                connection.isolation_level = level
        return self

    def fetchone(self) -> Any:
        with self.connection.guard:
            row = super().fetchone()
        if row is None:
            self._finished()
        return row

    def fetchmany(self, size: int | None = None) -> list[Any]:
        wanted = self.arraysize if size is None else size
        with self.connection.guard:
            rows = super().fetchmany(wanted)
        if len(rows) < wanted:
            self._finished()
        return rows

    def fetchall(self) -> list[Any]:
        with self.connection.guard:
            rows = super().fetchall()
        self._finished()
        return rows

    def __next__(self) -> Any:
        try:
            with self.connection.guard:
                return super().__next__()
        except StopIteration:
            self._finished()
            raise

    def close(self) -> None:
        with self.connection.guard:
            super().close()
        self._finished()

    def _run(self, want: Want, attempt: Callable[[], Any], statement: str) -> None:
        connection = self.connection
        self._finished()
        try:
            perform(connection, want, attempt, statement)
        except sqlite3.OperationalError as error:
            _annotate(error, connection)
            raise
        if self.description is not None:
            self.pending = True
            connection.cursors.add(self)
        connection.ran(want)

    def _finished(self) -> None:
        if self.pending:
            self.pending = False
            connection = self.connection
            connection.cursors.discard(self)
            if connection.state.queue:
                connection.state.queue.wake()

    def _busy_timeout(self, sql: str, *parameters: Any) -> Any:
        """Let the application read and set what is ours: SQLite itself must never wait."""
        connection = self.connection
        plain = partial(sqlite3.Cursor, cast(sqlite3.Connection, connection))
        plain().execute(f"PRAGMA busy_timeout={round(connection.patience * 1000)}").close()
        super().execute(sql, *parameters)
        (milliseconds,) = plain().execute("PRAGMA busy_timeout").fetchone()
        connection.patience = milliseconds / 1000
        plain().execute("PRAGMA busy_timeout=0").close()
        return self


class _Resumable:
    """Parameters of ``executemany``: a refused row is handed out again, those before it are not."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._rows = iter(rows)
        self._latest: list[Any] = []

    def resumed(self) -> Iterator[Any]:
        """Go on with the row that was handed out last."""
        yield from list(self._latest)
        for row in self._rows:
            self._latest = [row]
            yield row


@lru_cache(maxsize=64)
def tracking_cursor(factory: type[sqlite3.Cursor]) -> type[TrackedCursor]:
    """Combine a cursor class of the user's with ours."""
    if issubclass(TrackedCursor, factory):
        return TrackedCursor
    return type(f"Tracked{factory.__name__}", (TrackedCursor, factory), {})


def _annotate(error: sqlite3.OperationalError, connection: Connection) -> None:
    code = code_of(error)
    if code == sqlite3.SQLITE_BUSY_SNAPSHOT and connection.outdated:
        error.add_note(
            "hermetic: this read transaction was open when the database was restored, and is older"
        )
    if code == sqlite3.SQLITE_FULL:
        error.add_note(
            f"hermetic: the test database lies in {connection.state.path.parent}; "
            "the setting hermetic_directory puts it on a larger file system"
        )
