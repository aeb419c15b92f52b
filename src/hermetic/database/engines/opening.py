"""How a redirected engine's connections are opened.

Its pool is made like the one that it came with. ``Pool.recreate`` copies class and arguments, but also the listeners;
here the copies *share* the original's listeners, so that one added later, to the engine or to any of its pools, is
heard by all of them.

Where a connection really is, its driver says: the last word, after every rule. ``async_creator_fn``, ``module=``,
``connection_factory`` and a ``do_connect`` listener decide for themselves what they open. The seams of drivers catch
what they open by a driver; what comes of it is looked at once, when it is new. A backend knows how to ask.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy import URL, event
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import (
    AsyncAdaptedQueuePool,
    ConnectionPoolEntry,
    Pool,
    QueuePool,
    SingletonThreadPool,
    StaticPool,
)

from hermetic.code import Location
from hermetic.database.backend import find_backend
from hermetic.database.driver_seams import uncontained
from hermetic.database.engines import private
from hermetic.database.engines.connections import OpenConnections
from hermetic.database.engines.destinations import Target


@dataclass(frozen=True, eq=False)
class Opening:
    """What one engine opens.

    Attributes:
        engine: The engine's URL, password masked.
        dialect: The engine's.
        arguments: What it would have passed to its driver.
        target: Where its connections go; None: where its URL says, by its own creator.
        blueprint: How its pool is made.
        check: Refuses a connection that is not where it should be.
        made_at: The user's line that made the engine; None where that is not known.
    """

    engine: str
    dialect: Dialect
    arguments: private.ConnectArguments
    target: Target | None
    blueprint: Blueprint
    check: Callable[[DBAPIConnection], None]
    made_at: Location | None

    def open(self, record: ConnectionPoolEntry) -> DBAPIConnection:
        """Open a connection.

        Raises:
            ContainmentError: It is refused, or did not end where it was sent.
        """
        if self.target is None:
            with uncontained():
                return private.open_from(self.blueprint.original, record)
        connection = self.target.open(self.dialect, self.arguments.args, self._params())
        if not self.target.holds(connection):
            self.check(connection)
        return connection

    def _params(self) -> dict[str, object]:
        params = dict(self.arguments.params)
        if self.blueprint.in_memory:
            params["check_same_thread"] = False  # its pool of one connection a thread is gone
        return params


@dataclass(frozen=True, eq=False)
class Opener:
    """The creator of one pool: opens connections and remembers them."""

    opening: Opening
    holder: OpenConnections

    def __call__(self, rec: ConnectionPoolEntry) -> DBAPIConnection:
        connection = self.opening.open(rec)
        self.holder.add(connection, rec, self.opening.dialect, self.opening.target)
        return connection


@dataclass(frozen=True)
class Blueprint:
    """How to make an engine's pool once more.

    Attributes:
        original: The pool the engine came with; never opened, never changed.
        in_memory: Whether the URL was in-memory SQLite: its pool of one connection is the in-memory database's
            life-line, not the user's wish, and on a worker database it would let one request roll back another's work.
    """

    original: Pool
    in_memory: bool

    def build(self) -> Pool:
        """Return a new pool, with the original's creator and listeners."""
        pool = self._queue() if self._is_lifeline() else self._like_the_original()
        pool.__dict__["dispatch"] = self.original.dispatch
        return pool

    def _is_lifeline(self) -> bool:
        return self.in_memory and isinstance(self.original, StaticPool | SingletonThreadPool)

    def _like_the_original(self) -> Pool:
        try:
            return self.original.recreate()
        except NotImplementedError:
            return self._queue()

    def _queue(self) -> Pool:
        original = self.original
        kind = AsyncAdaptedQueuePool if private.dialect_of(original).is_async else QueuePool
        return kind(private.creator_of(original), **private.settings_of(original))


Check = Callable[[DBAPIConnection], None]
"""Refuses a connection that is not where it should be, and closes it."""


def reached(dialect: Dialect, connection: DBAPIConnection) -> URL | None:
    """Return the database that a connection is on; None where it cannot be asked."""
    backend = find_backend(dialect.name)
    with suppress(Exception):
        return None if backend is None else backend.reached(dialect, connection)
    return None


def close(dialect: Dialect, connection: DBAPIConnection) -> None:
    """Close a connection that nobody gets, whatever its driver says to that."""
    with suppress(Exception):
        dialect.do_close(connection)


class LeftPools:
    """The pools of engines that are left alone: what they open is looked at before anybody uses it."""

    def __init__(self) -> None:
        self._listeners: WeakKeyDictionary[Pool, Callable[..., None]] = WeakKeyDictionary()

    def look_at(self, pool: Pool, check: Check) -> None:
        """Check what a pool, and whatever comes after it, opens."""

        def on_connect(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
            check(connection)

        event.listen(pool, "connect", on_connect, insert=True)
        self._listeners[pool] = on_connect

    def stop(self) -> None:
        """Check nothing any more."""
        for pool, listener in list(self._listeners.items()):
            event.remove(pool, "connect", listener)
