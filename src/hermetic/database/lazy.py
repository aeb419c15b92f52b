"""A worker database that is made, and filled, at its first connection.

Filling it opens connections to it: a migration, the application's own start-up. Those must get through, from the thread
that builds and from threads that the build starts (which need not carry its context), while everybody else waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic.database.engines.location import thread_location
from hermetic.database.in_use import Checkout
from hermetic.database.protocols import Server, WorkerDatabase
from hermetic.database.templates import Unfilled
from hermetic.errors import ConfigurationError, DatabaseNotFilled

if TYPE_CHECKING:
    from hermetic.database.in_use import RawConnection


Build = Callable[[WorkerDatabase], Unfilled | None]

BUILD_PATIENCE = 60.0
"""Seconds that a thread waits for another one's build, which may be waiting for just that thread."""

_building: ContextVar[frozenset[LazyDatabase]] = ContextVar("hermetic_building", default=frozenset())


class LazyDatabase:
    """Stands for a worker database from the moment an engine is resolved to it.

    Args:
        name: What it will be called.
        server: Makes it.
        build: Fills it; None for one that starts empty.
        created: Called with the worker database as soon as it exists.
        user: As whom the application logs in elsewhere.
        begin: Called with it before it is filled; returns whether that is what it is to hold.
        replace: Has connections replaced before somebody uses them again.

    Attributes:
        worker: The database, once it exists.
        is_due: Whether it could not be filled yet, so that whoever connects next asks again.
    """

    def __init__(
        self,
        name: str,
        server: Server,
        build: Build | None,
        created: Callable[[WorkerDatabase], None],
        user: str | None = None,
        begin: Callable[[WorkerDatabase], bool] = lambda worker: False,
        replace: Callable[[Sequence[DBAPIConnection]], None] = lambda connections: None,
    ) -> None:
        self.name = name
        self.user = user
        self.worker: WorkerDatabase | None = None
        self._server = server
        self._build = build
        self._created = created
        self._begin = begin
        self._replace = replace
        self._is_built = build is None
        self.is_due = False
        self._making = threading.RLock()
        self._turn = threading.Lock()
        self._builder = threading.current_thread()
        self._bystanders: frozenset[threading.Thread] = frozenset()

    def __str__(self) -> str:
        contents = "an empty database" if self._build is None else "the application's database"
        return f"{contents} {self.name!r}"

    @property
    def backend(self) -> str:
        """Which kind of database it is."""
        return self._server.backend

    @property
    def is_in_use(self) -> bool:
        """Whether it was filled, and so somebody was given it as what it is."""
        return self.worker is not None and self._is_built

    def build_with(self, build: Build) -> None:
        """Turn an empty database into one of the application's: fill it at the next connection."""
        self._build, self._is_built = build, False

    def made(self) -> WorkerDatabase:
        """Return the worker database, created if need be, not necessarily filled."""
        with self._making:
            if self.worker is None:
                self.worker = self._server.create(self.name, self.user)
                self.worker.mark_baseline()
                self._created(self.worker)
                self._is_built = self._begin(self.worker) or self._is_built
            return self.worker

    def ready(self) -> WorkerDatabase:
        """Return the worker database, created and filled if need be.

        Raises:
            ConfigurationError: Another thread has been filling it for too long.
        """
        worker = self.made()
        if not self._is_built and not self._is_part_of_the_build():
            self._wait_or_build(worker)
        return worker

    def _is_part_of_the_build(self) -> bool:
        # Not by their numbers: a thread that the build starts may get that of one which has ended since.
        started_by_it = bool(self._bystanders) and threading.current_thread() not in self._bystanders
        return started_by_it or self in _building.get()

    def _wait_or_build(self, worker: WorkerDatabase) -> None:
        if not self._turn.acquire(timeout=BUILD_PATIENCE):
            raise self._not_built()
        try:
            if not self._is_built:
                self._is_built = self._fill(worker)
        finally:
            self._turn.release()

    def _fill(self, worker: WorkerDatabase) -> bool:
        assert self._build is not None
        token = _building.set(_building.get() | {self})
        self._builder = threading.current_thread()
        self._bystanders = frozenset(threading.enumerate())
        try:
            unfilled = self._build(worker)
            self.is_due = unfilled is Unfilled.LATER
            if unfilled is None:
                worker.mark_baseline()
            return unfilled is None
        finally:
            self._bystanders = frozenset()
            _building.reset(token)

    def _not_built(self) -> ConfigurationError:
        builder, us = self._builder, threading.current_thread()
        return DatabaseNotFilled(
            f"{self} is not filled after {BUILD_PATIENCE:g} seconds.",
            why=f"the thread {builder.name!r} fills it, and stands at {thread_location(builder.ident or 0)};"
            f" the thread {us.name!r} wants a connection, and was there before.",
            hints=(
                "where the build waits for that thread: let it start its threads itself, so that they get through",
                "where the build is slow: fill the database in the first test's set-up, with hermetic_database",
            ),
        )

    def open(self, dialect: Dialect, args: Sequence[Any], params: dict[str, Any]) -> DBAPIConnection:
        """Open a connection on the database, which is made and filled first."""
        return self.ready().open(dialect, args, params)

    def holds(self, connection: DBAPIConnection) -> bool:
        """Whether a connection is on the database."""
        return self._opened_on().holds(connection)

    def reach(self, user: str | None) -> URL:
        """Return where a driver of the project's own connects; the database is made and filled first."""
        return self.ready().reach(user)

    def note_raw(self, raw: RawConnection) -> None:
        """Tell the database of a connection that such a driver opened."""
        self._opened_on().note_raw(raw)

    def note_checkout(self, connection: DBAPIConnection, checkout: Checkout | None) -> None:
        """Tell the database who uses one of its connections; have it replaced if it came before the tables."""
        if checkout is None and self.is_due:
            self._replace([connection])
        self._opened_on().note_checkout(connection, checkout)

    def note_closed(self, connection: DBAPIConnection) -> None:
        """Tell the database that one of its connections was closed."""
        self._opened_on().note_closed(connection)

    def _opened_on(self) -> WorkerDatabase:
        assert self.worker is not None, "a connection was opened on it"
        return self.worker


class NamedDatabase(LazyDatabase):
    """Stands for the database of a name that code under test makes: today's, and the next one that it makes so."""

    def made(self) -> WorkerDatabase:
        """Return the worker database; where that was dropped and made again, the one that there is now."""
        self._server.look(asked=self.name)
        with self._making:
            if self.worker is None or (not self.worker.exists and self.name in self._server.named):
                self.worker = self._server.adopt(self.name)
                self._created(self.worker)
            return self.worker
