"""What the connections of one worker database share: each other, the queue, and what went wrong."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import Any, Generic, Protocol, TypeVar
from weakref import ReferenceType, WeakValueDictionary, ref

from hermetic.database.backends.sqlite.restore.queue import LockQueue, Waiter
from hermetic.database.backends.sqlite.restore.statements import Want
from hermetic.database.in_use import Checkout

T = TypeVar("T")


class WeakBag(Generic[T]):
    """Objects held weakly, by identity; every method may be called from any thread.

    ``weakref.WeakSet`` raises when one thread adds while another iterates; copying a dict's values does not.
    """

    def __init__(self) -> None:
        self._refs: dict[int, ReferenceType[T]] = {}

    def add(self, member: T) -> None:
        """Hold a member until it is discarded or nobody else holds it."""
        key, refs = id(member), self._refs
        refs[key] = ref(member, lambda gone: refs.pop(key, None))

    def discard(self, member: T) -> None:
        """Hold a member no longer."""
        self._refs.pop(id(member), None)

    def members(self) -> list[T]:
        """Return the members that are alive, in the order in which they came."""
        alive = (reference() for reference in list(self._refs.values()))
        return [member for member in alive if member is not None]


class Connection(Protocol):
    """A connection of the application's, as its statements and the others that wait for it see it; see ``tracked``."""

    state: DatabaseState
    guard: RLock
    cursors: WeakBag[Any]
    checkout: Checkout | None
    isolation_level: Any
    patience: float
    waiter: Waiter | None
    outdated: bool
    since: float

    def commit(self) -> None:
        """End its transaction."""

    def ran(self, want: Want) -> None:
        """Note what a statement that succeeded wanted."""

    def would_deadlock(self) -> bool:
        """Whether its transaction waits for a lock that another one keeps for it."""

    def has_transaction(self) -> bool:
        """Whether a transaction is open."""

    def has_snapshot(self) -> bool:
        """Whether it holds a lock that a committer must wait for."""

    def has_written(self) -> bool:
        """Whether its transaction holds the write lock."""


class DatabaseState:
    """The meeting place of the connections of one worker database.

    Attributes:
        path: The database's file.
        queue: Who waits for its lock.
        connections: The application's open connections.
        may_export: Whether a statement may write a copy of the database to a file.
        statement_patience: Seconds that an interrupted statement may take to stop.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.queue = LockQueue()
        self.connections: WeakBag[Any] = WeakBag()
        self.statement_patience = 2.0
        self.may_export: Callable[[str], bool] = lambda file: True
        _states[os.path.realpath(path)] = self


_states: WeakValueDictionary[str, DatabaseState] = WeakValueDictionary()


def state_at(path: str) -> DatabaseState | None:
    """Return the state of the worker database whose file this is."""
    return _states.get(os.path.realpath(path))


def in_wal(connection: sqlite3.Connection) -> bool:
    """Whether a connection's file is in WAL mode now, which outlives connections, unlike the other modes."""
    try:
        mode: str = connection.execute("PRAGMA journal_mode").fetchone()[0]
    except sqlite3.OperationalError:
        return False  # a commit is being made, which keeps nobody from reading in WAL mode
    return mode == "wal"


def code_of(error: sqlite3.Error) -> int:
    """Return SQLite's extended result code of an error; 0 where it has none."""
    return getattr(error, "sqlite_errorcode", None) or 0


def is_busy(error: sqlite3.Error) -> bool:
    """Whether somebody else's lock refused a statement, so that waiting may help."""
    code = code_of(error)
    return code & 0xFF == sqlite3.SQLITE_BUSY and code != sqlite3.SQLITE_BUSY_SNAPSHOT
