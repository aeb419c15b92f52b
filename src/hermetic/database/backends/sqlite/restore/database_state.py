"""What the connections of one worker database share: each other, what went wrong, and the queue for the write lock.

SQLite's own way is to sleep and try again, at growing intervals, so that whoever comes late may be served first and the
lock lies idle in between: ten concurrent transactions took 185 ms and twenty 1,145. Here a connection that finds the
database locked waits in line, is woken by whoever ends a transaction, and they take 22 and 50 ms.

Readers and a committer do not stand in line: a reader is refused only while a committer waits for other readers, and
everybody waits for the committer.

The garbage collector may close a forgotten connection in any thread, in the middle of anything, and whoever closes one
wakes the others. So nothing here may wait for a lock that the same thread may hold already.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock, RLock, get_ident
from typing import Any, Generic, Literal, Protocol, TypeVar
from weakref import ReferenceType, WeakValueDictionary, ref

from hermetic.database.in_use import Checkout
from hermetic.threads import now

Want = Literal["nothing", "read", "write", "commit", "export"]
"""What a statement wants of the lock."""

FIRST_POLL = 0.005
"""Seconds after which the first in line tries unwoken: the holder may be another process."""

OTHERS_POLL = 0.05
"""Seconds after which the others look whether they have become the first."""


class Waiter:
    """One connection that waits.

    Args:
        want: What it waits for.
        statement: What it wants that for.

    Attributes:
        since: When it came.
        thread: The thread in which it waits.
        cancelled: Whether its wait was ended from outside (``interrupt`` or ``close``).
    """

    def __init__(self, want: Want, statement: str = "") -> None:
        self.want = want
        self.statement = statement
        self.since = now()
        self.thread = get_ident()
        self.cancelled = False
        self._asleep = Lock()  # not an Event, whose own lock is held for a moment by whoever sets it
        self._asleep.acquire()

    def wake(self) -> None:
        """Let it try again."""
        with suppress(RuntimeError):  # it is awake already
            self._asleep.release()

    def cancel(self) -> None:
        """Let it give up."""
        self.cancelled = True
        self.wake()

    def sleep(self, seconds: float) -> bool:
        """Sleep until woken, or for ``seconds``; return whether it was woken."""
        return self._asleep.acquire(timeout=seconds)


class LockQueue:
    """Who waits for a database's lock, in the order in which they came."""

    def __init__(self) -> None:
        self._mutex = RLock()
        self._waiters: list[Waiter] = []

    def __bool__(self) -> bool:
        return bool(self._waiters)

    def join(self, want: Want, statement: str) -> Waiter:
        """Get in line; a committer goes to its head."""
        waiter = Waiter(want, statement)
        with self._mutex:
            self._waiters.insert(0 if want == "commit" else len(self._waiters), waiter)
        return waiter

    def lead(self) -> Waiter:
        """Get in line before everybody else who wants to write."""
        waiter = Waiter("write")
        with self._mutex:
            self._waiters.insert(0, waiter)
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Get out of line."""
        with self._mutex:
            self._waiters.remove(waiter)

    def may_try(self, waiter: Waiter) -> bool:
        """Whether nobody who wants to write stands before this one."""
        with self._mutex:
            return waiter.want != "write" or waiter is self._first_writer()

    def wake(self) -> None:
        """Wake whoever may succeed now: the first who wants to write, and all who want anything else."""
        with self._mutex:
            first = self._first_writer()
            for waiter in self._waiters:
                if waiter is first or waiter.want != "write":
                    waiter.wake()

    def _first_writer(self) -> Waiter | None:
        return next((waiter for waiter in self._waiters if waiter.want == "write"), None)


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
