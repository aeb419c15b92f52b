"""The pools of a redirected engine, one for each running event loop, and how their connections are opened.

"attached to a different loop" cannot happen when no connection ever meets a second loop. The engine keeps one pool for
its life; ``connect`` asks the pool of the loop that runs now, which is made at its first use, of the class and with
the arguments that the user chose. ``await engine.dispose()`` in an application's shutdown concerns the loop it runs in:
disposing of everybody's connections would pull them from under loops that still run.

SQLAlchemy treats pools as loop-bound too, but only in prose: "Using multiple asyncio event loops" in its docs tells
users to dispose of the engine, or to use NullPool.

``Pool.recreate`` copies class and arguments, but also the listeners; here the copies *share* the original's listeners,
so that one added later, to the engine or to any of its pools, is heard by all of them.

SQLAlchemy lets one connection initialize the dialect while others wait for an ``asyncio.Lock``, kept with the engine's
listeners. Those are shared by the pools of all loops, and that lock binds itself to the first loop in which somebody
has to wait: a second loop then fails with "is bound to a different event loop", or, in another thread, waits for ever.
So it gets another lock.

Where a connection really is, its driver says: the last word, after every rule. ``async_creator_fn``, ``module=``,
``connection_factory`` and a ``do_connect`` listener decide for themselves what they open. The seams of drivers catch
what they open by a driver; what comes of it is looked at once, when it is new. A backend knows how to ask.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any
from weakref import WeakKeyDictionary, finalize

from sqlalchemy import URL, event
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import TimeoutError
from sqlalchemy.pool import (
    AsyncAdaptedQueuePool,
    ConnectionPoolEntry,
    Pool,
    PoolProxiedConnection,
    QueuePool,
    SingletonThreadPool,
    StaticPool,
)
from sqlalchemy.util import await_only

from hermetic.code import Location
from hermetic.database.backend import find_backend
from hermetic.database.driver_seams import uncontained
from hermetic.database.engines import private
from hermetic.database.engines.checkouts import Checkouts
from hermetic.database.engines.connections import Index, LoopClosers, OpenConnections
from hermetic.database.engines.destinations import EngineRequest, Judge, Target

Loop = asyncio.AbstractEventLoop

Check = Callable[[DBAPIConnection], None]
"""Refuses a connection that is not where it should be, and closes it."""


class LoopBoundPool(Pool):
    """Stands in an async engine's place for its pool and delegates to the pool of the running loop.

    Args:
        original: The pool the engine came with; its listeners are shared, it is never connected.
        make: Makes the real pool for a loop (None: no loop runs) when it is first needed there.
        on_exhausted: Called with a real pool that had no connection to give, while those who have them still do.
    """

    def __init__(
        self,
        original: Pool,
        make: Callable[[Loop | None], Pool],
        on_exhausted: Callable[[Pool], None] = lambda pool: None,
    ) -> None:
        super().__init__(private.creator_of(original), **private.settings_of(original))
        self.__dict__["dispatch"] = original.dispatch
        private.lock_first_connect_by(original, AnyLoopMutex)
        self.original = original
        self._make = make
        self._on_exhausted = on_exhausted
        self._pools: WeakKeyDictionary[Loop, Pool] = WeakKeyDictionary()
        self._without_loop: Pool | None = None
        self._pools_lock = threading.Lock()

    @property
    def current(self) -> Pool:
        """The real pool of the running loop."""
        loop = asyncio._get_running_loop()
        if loop is None:
            return self._current_without_loop()
        return self._pools.get(loop) or self._made_for(loop)

    def _made_for(self, loop: Loop) -> Pool:
        with self._pools_lock:
            for old in [each for each in self._pools if each.is_closed()]:
                del self._pools[old]
            pool = self._pools[loop] = self._make(loop)
            return pool

    def _current_without_loop(self) -> Pool:
        with self._pools_lock:
            if self._without_loop is None:
                self._without_loop = self._make(None)
            return self._without_loop

    def loops(self) -> list[Loop]:
        """Return the loops that have a pool here."""
        with self._pools_lock:
            return list(self._pools)

    def connect(self) -> PoolProxiedConnection:
        pool = self.current
        try:
            return pool.connect()
        except TimeoutError:
            self._on_exhausted(pool)
            raise

    def dispose(self) -> None:
        """Close the idle connections of the running loop's pool."""
        self.current.dispose()

    def recreate(self) -> Pool:
        """Begin the running loop's pool anew; the engine keeps this one."""
        loop = asyncio._get_running_loop()
        with self._pools_lock:
            if loop is None:
                self._without_loop = None
            else:
                self._pools.pop(loop, None)
        return self

    def status(self) -> str:
        return self.current.status()

    def _invalidate(
        self,
        connection: PoolProxiedConnection,
        exception: BaseException | None = None,
        _checkin: bool = True,
    ) -> None:
        self.current._invalidate(connection, exception, _checkin)

    def __getattr__(self, name: str) -> Any:
        """Give what only the real pool has: ``size``, ``checkedout``, ``overflow``, a class's own methods."""
        if name.startswith("__") or "_pools_lock" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.current, name)


_PAUSE = 0.001


class AnyLoopMutex:
    """A lock for SQLAlchemy's greenlets, whichever loop and thread they run in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> bool:
        while not self._lock.acquire(blocking=False):
            await_only(asyncio.sleep(_PAUSE))
        return True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()


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
    check: Check
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


def check_of(dialect: Dialect, request: EngineRequest, judge: Judge) -> Check:
    """Return what an engine's new connections are looked at by; it holds nothing of the engine's own."""

    def check(connection: DBAPIConnection) -> None:
        try:
            judge(request, reached(dialect, connection))
        except BaseException:
            close(dialect, connection)
            raise

    return check


class PoolMaker:
    """Makes the pools of redirected engines, and sees to it that what they open is remembered, and closed.

    Args:
        index: Gets what they open.
        checkouts: Learns which engine each belongs to.
        closers: Close what is open in each event loop.
    """

    def __init__(self, index: Index, checkouts: Checkouts, closers: LoopClosers) -> None:
        self._index = index
        self._checkouts = checkouts
        self._closers = closers

    def make(self, opening: Opening) -> Pool:
        """Make an engine's pool; for an async engine one that makes another in each loop."""
        if opening.dialect.is_async:
            make = partial(self._made_in_loop, opening)
            return LoopBoundPool(opening.blueprint.original, make, self._checkouts.tell_of_exhausted)
        pool = opening.blueprint.build()
        self.watch(pool, opening)
        return pool

    def watch(self, pool: Pool, opening: Opening) -> None:
        """Have a synchronous pool open what it should; what it still holds when it is forgotten is closed then."""
        finalize(pool, self._opened_by(pool, opening).close_orphans).atexit = False

    def _made_in_loop(self, opening: Opening, loop: Loop | None) -> Pool:
        pool = opening.blueprint.build()
        holder = self._opened_by(pool, opening)
        if loop is not None:
            self._closers.sweep()
            self._closers.of(loop).watch(holder, pool)
        return pool

    def _opened_by(self, pool: Pool, opening: Opening) -> OpenConnections:
        holder = OpenConnections(self._index)
        private.open_by(pool, Opener(opening, holder))
        self._checkouts.name_pool(pool, opening.engine, opening.made_at)
        return holder


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
