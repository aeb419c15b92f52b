"""The connections that the application gets: sqlite3's own, which also know what they have open.

A pool, a session, an application's own SQL all end here, whatever thread or loop they come from, so this is where a
transaction's end is seen, and where "database is locked" becomes a place in a queue. A statement costs about six
microseconds more than on a plain connection, where one through aiosqlite takes a hundred.
"""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from threading import RLock
from typing import Any, cast
from urllib.parse import parse_qs, quote, urlsplit

from hermetic.database.backends.sqlite.restore.cursor import TrackedCursor, tracking_cursor
from hermetic.database.backends.sqlite.restore.database_state import DatabaseState, Waiter, Want, WeakBag
from hermetic.database.backends.sqlite.restore.waiting import perform
from hermetic.database.in_use import Checkout, OpenWork
from hermetic.errors import UnsupportedEngine
from hermetic.threads import now

DEFAULT_TIMEOUT = 5.0
"""Seconds that sqlite3 waits for a lock where the engine says nothing."""

POSITIONAL = (
    "timeout",
    "detect_types",
    "isolation_level",
    "check_same_thread",
    "factory",
    "cached_statements",
    "uri",
)
"""What ``sqlite3.connect`` takes after the database, in its order."""

INTERRUPT_EVERY = 0.001
"""Seconds between two interrupts: one that comes between two statements is lost."""

_ISOLATION_LEVEL: Any = sqlite3.Connection.isolation_level


class TrackedConnection(sqlite3.Connection):
    """A connection that waits in line for the lock and knows what it has open.

    Attributes:
        checkout: Who uses it and since where; set and cleared by whoever hands connections out.
        state: What it shares with the database's other connections.
        patience: Seconds that it waits for a lock: the engine's ``timeout``, or ``PRAGMA busy_timeout``.
        waiter: Its place in the queue, while it waits.
        since: When its transaction last did something.
        outdated: Whether its open read transaction is older than the last restore (WAL mode only).
        guard: Held while a thread is inside SQLite with it. Python crashes when one thread closes a connection
            under another one's running statement, and connections are ended from the thread that runs the tests.
        cursors: Those that may have rows left to fetch.
    """

    def __init__(self, *args: Any, state: DatabaseState, patience: float, **kwargs: Any) -> None:
        self.state = state
        self.patience = patience
        self.checkout: Checkout | None = None
        self.waiter: Waiter | None = None
        self.outdated = False
        self.since = 0.0
        self.cursors: WeakBag[TrackedCursor] = WeakBag()
        self._read = self._written = self._closed = False
        self.guard = RLock()
        mode = kwargs.pop("autocommit", None)  # inside its endless transaction the pragmas would be refused
        super().__init__(*args, **kwargs)
        self._tune()
        if mode is not None:  # pragma: no cover - Python 3.12 on
            self.autocommit = mode
        state.connections.add(self)

    def _tune(self) -> None:
        """Keep the rollback journal in memory and never wait for a disk: the file ends with the run."""
        if self.execute("PRAGMA journal_mode").fetchone()[0] != "wal":  # setting it would end that mode
            self.execute("PRAGMA journal_mode=MEMORY").close()
        self.execute("PRAGMA synchronous=OFF").close()

    # what it has open; from any thread

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

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
        if self._closed:
            return False
        if not self.guard.acquire(blocking=False):
            return True  # it is being executed now
        try:
            return bool(self.cursors.members()) and self._has_active_statement()
        finally:
            self.guard.release()

    def would_deadlock(self) -> bool:
        """Whether it holds a lock itself that the holder of the write lock must wait for; for its own thread."""
        if self._read and self.has_transaction():
            return True
        with self.guard:
            return bool(self.cursors.members()) and not self._closed and self._has_active_statement()

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

    @contextmanager
    def seized(self) -> Iterator[bool]:
        """Keep all other threads out of it, ending their waits and interrupting their statements.

        Yields:
            Whether a running statement stopped in time; if not, the connection must be left alone.
        """
        deadline = now() + self.state.statement_patience
        self._cancel_wait()
        while not (held := self.guard.acquire(timeout=INTERRUPT_EVERY)) and now() < deadline:
            super().interrupt()
        try:
            yield held
        finally:
            if held:
                self.guard.release()

    def _cancel_wait(self) -> None:
        waiter = self.waiter  # its own thread may end the wait meanwhile
        if waiter:
            waiter.cancel()

    def end_open_work(self) -> None:
        """Close its cursors and roll its transaction back; for whoever seized it."""
        for cursor in self.cursors.members():
            cursor.close()
        self.rollback()

    # sqlite3's own interface

    def cursor(self, factory: Any = None) -> Any:
        made: sqlite3.Cursor = super().cursor(tracking_cursor(factory or sqlite3.Cursor))
        return made

    # sqlite3's own three make a plain cursor, whatever ``cursor`` would return

    def execute(self, sql: str, *parameters: Any) -> Any:
        return self.cursor().execute(sql, *parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Any:
        return self.cursor().executemany(sql, parameters)

    def executescript(self, script: str, /) -> Any:
        return self.cursor().executescript(script)

    def commit(self) -> None:
        self._ending("commit", super().commit, "COMMIT")

    def rollback(self) -> None:
        self._ending("nothing", super().rollback, "ROLLBACK")

    def close(self) -> None:
        with self.seized() as held:
            if not held:
                raise sqlite3.OperationalError("a statement that cannot be interrupted is running")
            self._let_go()
            self._closed = True
            super().close()
        self.state.connections.discard(self)
        self._ended()

    def _let_go(self) -> None:
        """Give its locks back: SQLite keeps a closed connection, with its transaction, while a cursor of it lives."""
        with suppress(sqlite3.Error):
            for cursor in self.cursors.members():
                cursor.close()
            if not self._closed and self.in_transaction:
                super().execute("ROLLBACK").close()

    def interrupt(self) -> None:
        self._cancel_wait()
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

    def _ending(self, want: Want, end: Callable[[], None], statement: str) -> None:
        perform(self, want, end, statement)
        self._ended()

    def _ended(self) -> None:
        self._read = self._written = self.outdated = False
        if self.state.queue:
            self.state.queue.wake()

    def ran(self, want: Want) -> None:
        """Note what a statement that succeeded left behind."""
        if not self.in_transaction:
            self._ended()
        elif want != "nothing":
            self._read = True
            self._written = self._written or want == "write"
            self.since = now()


def _probe() -> None:
    """Be the function that is replaced."""


@lru_cache(maxsize=64)
def tracking(factory: type[sqlite3.Connection]) -> type[TrackedConnection]:
    """Combine a connection class of the user's with ours."""
    if issubclass(TrackedConnection, factory):
        return TrackedConnection
    return type(f"Tracked{factory.__name__}", (TrackedConnection, factory), {})


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


def close(connection: Any) -> None:
    """Close what lies below a pool's connection, from whatever thread and without the loop of an async driver."""
    found = tracked(connection)
    if found is not None:
        with suppress(sqlite3.Error):  # a statement that will not stop keeps its own open
            found.close()


def connect_arguments(
    state: DatabaseState, args: Sequence[Any], params: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Turn what an engine would connect with into what reaches the worker database.

    Args:
        state: The worker database's.
        args: The engine's positional arguments: the database it names, and rarely a time-out after it.
        params: Its named arguments; not changed.

    Returns:
        The database to connect to, and the named arguments.

    Raises:
        ConfigurationError: ``factory`` is a function; nothing can be learned about the connections it makes.
    """
    named = dict(zip(POSITIONAL, args[1:], strict=False)) | params
    factory: Any = named.pop("factory", None) or sqlite3.Connection
    if not (inspect.isclass(factory) and issubclass(factory, sqlite3.Connection)):
        raise UnsupportedEngine(
            f"the engine connects with factory={factory!r}, which is not a class of connections",
            why="hermetic subclasses the factory, so that it knows what each connection has open.",
            hints=("pass a subclass of sqlite3.Connection as factory",),
        )
    named.pop("async_creator_fn", None)  # it would connect to wherever it likes
    patience = float(named.pop("timeout", DEFAULT_TIMEOUT))
    named |= {
        "timeout": 0,
        "check_same_thread": False,
        "factory": partial(tracking(cast(Hashable, factory)), state=state, patience=patience),
    }
    if _is_read_only(args, named):
        return f"file:{quote(str(state.path))}?mode=ro", named
    return str(state.path), named


def _is_read_only(args: Sequence[Any], named: dict[str, Any]) -> bool:
    if not named.get("uri") or not args or not str(args[0]).startswith("file:"):
        return False
    return parse_qs(urlsplit(str(args[0])).query).get("mode") == ["ro"]
