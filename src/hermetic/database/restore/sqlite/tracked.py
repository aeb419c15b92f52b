"""The connections and cursors that the application gets: sqlite3's own, which also know what they have open.

A pool, a session, an application's own SQL all end here, whatever thread or loop they come from, so this is where a
transaction's end is seen, and where "database is locked" becomes a place in a queue. A statement costs about six
microseconds more than on a plain connection, where one through aiosqlite takes a hundred.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any, TypeVar

from hermetic.database.protocols import Checkout, OpenWork
from hermetic.database.restore.sqlite.queue import Waiter
from hermetic.database.restore.sqlite.site import Site, WeakBag, code_of
from hermetic.database.restore.sqlite.statements import Want, is_busy_timeout, split, wanted_by
from hermetic.database.restore.sqlite.waiting import perform

T = TypeVar("T")

_ISOLATION_LEVEL: Any = sqlite3.Connection.isolation_level


class TrackedConnection(sqlite3.Connection):
    """A connection that waits in line for the lock and knows what it has open.

    Attributes:
        checkout: Who uses it and since where; set and cleared by whoever hands connections out.
        site: What it shares with the database's other connections.
        patience: Seconds that it waits for a lock: the engine's ``timeout``, or ``PRAGMA busy_timeout``.
        waiter: Its place in the queue, while it waits.
        outdated: Whether its open read transaction is older than the last restore (WAL mode only).
    """

    def __init__(self, *args: Any, site: Site, patience: float, **kwargs: Any) -> None:
        self.site = site
        self.patience = patience
        self.checkout: Checkout | None = None
        self.waiter: Waiter | None = None
        self.outdated = False
        self._cursors: WeakBag[TrackedCursor] = WeakBag()
        self._read = self._written = self._closed = False
        self._running = 0
        mode = kwargs.pop("autocommit", None)  # inside its endless transaction the pragmas would be refused
        super().__init__(*args, **kwargs)
        self._tune()
        if mode is not None:  # pragma: no cover - Python 3.12 on
            self.autocommit = mode
        site.connections.add(self)

    def _tune(self) -> None:
        """Keep the rollback journal in memory and never wait for a disk: the file ends with the run."""
        if self.execute("PRAGMA journal_mode").fetchone()[0] != "wal":  # setting it would end that mode
            self.execute("PRAGMA journal_mode=MEMORY").close()
        self.execute("PRAGMA synchronous=OFF").close()

    # what it has open; from any thread

    def has_transaction(self) -> bool:
        """Whether somebody began a transaction and did not end it."""
        if self._closed or not self.in_transaction:
            return False
        return self._read or self._written or getattr(self, "autocommit", None) is not False

    def has_written(self) -> bool:
        """Whether its transaction holds the write lock."""
        return self._written and self.has_transaction()

    def has_snapshot(self) -> bool:
        """Whether it holds a lock that a committer, or a restore, must wait for."""
        return (self._read and self.has_transaction()) or self.has_unfinished_cursor()

    def has_unfinished_cursor(self) -> bool:
        """Whether a cursor of its has rows left to fetch."""
        if self._closed or not self._cursors.members():
            return False
        return self._running > 0 or self._has_active_statement()

    def would_deadlock(self) -> bool:
        """Whether it holds a lock itself that the holder of the write lock must wait for; for its own thread."""
        return (self._read and self.has_transaction()) or (
            bool(self._cursors.members()) and self._has_active_statement()
        )

    def _has_active_statement(self) -> bool:
        """Ask SQLite, which refuses to replace a function while a statement is under way.

        A cursor may have fetched its last row without knowing it, and nothing else of Python's API tells.
        """
        try:
            super().create_function("hermetic_probe", 0, _probe)
            super().create_function("hermetic_probe", 0, _probe)
        except sqlite3.OperationalError:
            return True
        return False

    def open_work(self) -> list[OpenWork]:
        """List what it has open."""
        found = []
        if self.has_transaction():
            found.append(OpenWork("transaction", self.checkout))
        if self.has_unfinished_cursor():
            found.append(OpenWork("cursor", self.checkout))
        return found

    @property
    def is_running(self) -> bool:
        """Whether a thread is inside a statement, or waits for a lock, now."""
        return self._running > 0

    def end_open_work(self) -> None:
        """Reset its cursors and roll its transaction back, from any thread; it must not be running."""
        for cursor in self._cursors.members():
            cursor.close()
        self.rollback()

    # sqlite3's own interface

    def cursor(self, factory: Any = None) -> Any:
        made: sqlite3.Cursor = super().cursor(_tracking(factory or sqlite3.Cursor))
        return made

    # sqlite3's own three make a plain cursor, whatever ``cursor`` would return

    def execute(self, sql: str, *parameters: Any) -> Any:
        return self.cursor().execute(sql, *parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Any:
        return self.cursor().executemany(sql, parameters)

    def executescript(self, script: str, /) -> Any:
        return self.cursor().executescript(script)

    def commit(self) -> None:
        self._ending("commit", super().commit)

    def rollback(self) -> None:
        self._ending("nothing", super().rollback)

    def close(self) -> None:
        if self.waiter:
            self.waiter.cancel()
        self._closed = True
        super().close()
        self.site.connections.discard(self)
        self._ended()

    def interrupt(self) -> None:
        if self.waiter:
            self.waiter.cancel()
        super().interrupt()

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> Any:
        if kind is not None:
            self.rollback()
            return False
        try:
            self.commit()
        except BaseException:
            self.rollback()
            raise
        return False

    @property
    def isolation_level(self) -> Any:
        return super().isolation_level

    @isolation_level.setter
    def isolation_level(self, level: Any) -> None:
        if level is None and self.in_transaction:
            self.commit()  # what sqlite3 does too, out of our sight
        _ISOLATION_LEVEL.__set__(self, level)

    # how a statement runs

    def _ending(self, want: Want, end: Callable[[], None]) -> None:
        self.enter()
        try:
            perform(self, want, end)
        finally:
            self.leave()
        self._ended()

    def _ended(self) -> None:
        self._read = self._written = self.outdated = False
        if self.site.queue:
            self.site.queue.wake()

    def enter(self) -> None:
        """Count a thread that is inside a statement from now on."""
        self._running += 1

    def leave(self) -> None:
        """Count it no longer."""
        self._running -= 1

    def ran(self, want: Want) -> None:
        """Note what a statement that succeeded left behind."""
        if not self.in_transaction:
            self._ended()
        elif want != "nothing":
            self._read = True
            self._written = self._written or want == "write"


class TrackedCursor(sqlite3.Cursor):
    """A cursor that waits in line for the lock, and knows whether it may have rows left.

    Attributes:
        pending: Whether it ran a statement that returns rows, and nobody has seen their end.
    """

    connection: TrackedConnection
    pending = False

    def execute(self, sql: str, *parameters: Any) -> Any:
        want = wanted_by(sql)
        if want == "nothing" and is_busy_timeout(sql):
            return self._busy_timeout(sql, *parameters)
        self._run(want, partial(super().execute, sql, *parameters))
        return self

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Any:
        rows = _Resumable(parameters)
        self._run(wanted_by(sql), lambda: super(TrackedCursor, self).executemany(sql, rows.resumed()))
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
        row = super().fetchone()
        if row is None:
            self._finished()
        return row

    def fetchmany(self, size: int | None = None) -> list[Any]:
        wanted = self.arraysize if size is None else size
        rows = super().fetchmany(wanted)
        if len(rows) < wanted:
            self._finished()
        return rows

    def fetchall(self) -> list[Any]:
        rows = super().fetchall()
        self._finished()
        return rows

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except StopIteration:
            self._finished()
            raise

    def close(self) -> None:
        super().close()
        self._finished()

    def _run(self, want: Want, attempt: Callable[[], Any]) -> None:
        connection = self.connection
        self._finished()
        connection.enter()
        try:
            perform(connection, want, attempt)
        except sqlite3.OperationalError as error:
            _annotate(error, connection)
            raise
        finally:
            connection.leave()
        if self.description is not None:
            self.pending = True
            connection._cursors.add(self)
        connection.ran(want)

    def _finished(self) -> None:
        if self.pending:
            self.pending = False
            connection = self.connection
            connection._cursors.discard(self)
            if connection.site.queue:
                connection.site.queue.wake()

    def _busy_timeout(self, sql: str, *parameters: Any) -> Any:
        """Let the application read and set what is ours: SQLite itself must never wait."""
        connection = self.connection
        plain = partial(sqlite3.Cursor, connection)
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


def _probe() -> None:
    """Be the function that is replaced."""


def _annotate(error: sqlite3.OperationalError, connection: TrackedConnection) -> None:
    code = code_of(error)
    if code == sqlite3.SQLITE_BUSY_SNAPSHOT and connection.outdated:
        error.add_note(
            "hermetic: this read transaction was open when the database was restored, and is older"
        )
    if code == sqlite3.SQLITE_FULL:
        error.add_note(
            f"hermetic: the test database lies in {connection.site.path.parent}; "
            "the setting hermetic_directory puts it on a larger file system"
        )


@lru_cache(maxsize=64)
def tracking(factory: type[sqlite3.Connection]) -> type[TrackedConnection]:
    """Combine a connection class of the user's with ours."""
    if issubclass(TrackedConnection, factory):
        return TrackedConnection
    return type(f"Tracked{factory.__name__}", (TrackedConnection, factory), {})


@lru_cache(maxsize=64)
def _tracking(factory: type[sqlite3.Cursor]) -> type[TrackedCursor]:
    if issubclass(TrackedCursor, factory):
        return TrackedCursor
    return type(f"Tracked{factory.__name__}", (TrackedCursor, factory), {})


def tracked(dbapi_connection: object) -> TrackedConnection | None:
    """Return the tracked connection inside what a pool holds.

    Args:
        dbapi_connection: A sqlite3 connection, an aiosqlite one, or SQLAlchemy's adapter of that.

    Returns:
        The connection, or None when it is closed or not one of ours.
    """
    found: object = getattr(dbapi_connection, "driver_connection", None) or dbapi_connection
    if not isinstance(found, sqlite3.Connection):
        found = getattr(found, "_connection", None)
    return found if isinstance(found, TrackedConnection) else None
