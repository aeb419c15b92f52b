"""One data descriptor in the place of ``Engine.pool`` sees every engine of the process.

``Engine`` keeps its pool in a plain instance attribute, so a data descriptor on the class takes precedence over it, for
engines made before it was installed as well as after, and for the proxies that ``execution_options`` makes. The
``do_connect`` event, the usual hook, is not enough: ``creator=``, ``async_creator=`` and ``pool=`` bypass it, and a
listener of the user's own (cloud tokens) runs after ours and wins.

At its first use an engine is *adopted*: its URL is resolved to a destination once, and unless it is left alone it gets
pools whose creator is ours. Listeners stay where they were registered: the new pools share them.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal, overload
from weakref import WeakKeyDictionary, finalize

from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from hermetic import owners
from hermetic.database.address import is_in_memory
from hermetic.database.engines.arguments import ConnectArguments, connect_arguments
from hermetic.database.engines.blueprint import Blueprint
from hermetic.database.engines.checkouts import Checkouts, InUse
from hermetic.database.engines.closing import Keeper
from hermetic.database.engines.connections import Index, OpenConnections
from hermetic.database.engines.destinations import (
    Creation,
    Destination,
    EngineRequest,
    Itself,
    LeftAlone,
    Resolver,
    Target,
    masked,
    serves,
)
from hermetic.database.engines.location import user_location
from hermetic.database.engines.loop_bound import LoopBoundPool
from hermetic.database.engines.sessions import SessionOwners
from hermetic.owners import Owner

Mode = Literal["on", "observe"]


@dataclass(frozen=True)
class EngineReport:
    """What is known of one engine.

    Attributes:
        url: Its URL, password masked.
        created: Who made it and where; None for one older than the installation.
        destination: Where its connections go; None until its first use.
    """

    url: str
    created: Creation | None
    destination: Destination | None

    @property
    def would_go_to(self) -> str:
        """The destination in words."""
        return "nowhere: it was not used" if self.destination is None else str(self.destination)


@dataclass(eq=False)
class _Adopted:
    """An engine's pool as it came, and what became of it."""

    original: Pool
    created: Creation | None = None
    destination: Destination | None = None
    settled: bool = False


@dataclass(eq=False)
class _Opening:
    """How the connections of one engine are opened."""

    engine_url: str
    dialect: Any
    arguments: ConnectArguments
    target: Target | None
    blueprint: Blueprint

    def open(self, record: ConnectionPoolEntry) -> DBAPIConnection:
        if self.target is None:
            return self.blueprint.original._invoke_creator(record)
        params = dict(self.arguments.params)
        if self.blueprint.in_memory:
            params["check_same_thread"] = False  # its pool of one connection a thread is gone
        return self.target.open(self.dialect, self.arguments.args, params)


@dataclass(eq=False)
class _Opener:
    """The creator of one pool: opens connections and remembers them."""

    opening: _Opening
    holder: OpenConnections

    def __call__(self, rec: ConnectionPoolEntry) -> DBAPIConnection:
        connection = self.opening.open(rec)
        self.holder.add(connection, rec, self.opening.dialect, self.opening.target)
        return connection


class _PoolDescriptor:
    """Stands on the class for ``Engine.pool``."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    @overload
    def __get__(self, engine: None, owner: type) -> _PoolDescriptor: ...
    @overload
    def __get__(self, engine: Engine, owner: type) -> Pool: ...
    def __get__(self, engine: Engine | None, owner: type) -> _PoolDescriptor | Pool:
        return self if engine is None else self._installation._pool_of(engine)

    def __set__(self, engine: Engine, pool: Pool) -> None:
        self._installation._assign(engine, pool)


@dataclass(eq=False)
class Installation:
    """Every engine of the process, seen from its first use on. Made by ``install``."""

    resolver: Resolver
    mode: Mode
    _index: Index = field(default_factory=Index)
    _adopted: WeakKeyDictionary[Engine, _Adopted] = field(default_factory=WeakKeyDictionary)
    _keepers: WeakKeyDictionary[asyncio.AbstractEventLoop, Keeper] = field(default_factory=WeakKeyDictionary)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._checkouts = Checkouts(self._index)
        self._sessions = SessionOwners(self._checkouts)
        self._before: object = None

    def engines(self) -> list[EngineReport]:
        """Return what is known of every living engine that was made or used since."""
        return [
            EngineReport(masked(engine.url), adopted.created, adopted.destination)
            for engine, adopted in list(self._adopted.items())
            if "url" in engine.__dict__
        ]

    def checked_out(self, of: Collection[Owner] | None = None) -> list[InUse]:
        """Return the connections in use: everybody's, or those of some owners."""
        self.sweep()
        return self._checkouts.list(of)

    def end(self, in_use: InUse) -> None:
        """Close a connection in use from synchronous code, on its loop where that stands still, else by force."""
        in_use.end_now()

    def invalidate(self, database: object) -> None:
        """Have every connection on a worker database replaced: idle ones at their next checkout."""
        for opened in self._index:
            if opened.target is not None and serves(opened.target, database):
                opened.stale = True

    def sweep(self) -> None:
        """Close what loops left open that were closed without a chance to close it themselves."""
        with self._lock:
            for loop, keeper in list(self._keepers.items()):
                if keeper.orphaned:
                    keeper.close_now()
                if loop.is_closed():
                    del self._keepers[loop]

    def uninstall(self) -> None:
        """Give every engine back the pool it came with, restore the classes, and close every connection."""
        if self._before is None:
            delattr(Engine, "pool")
        else:
            type.__setattr__(Engine, "pool", self._before)
        self._sessions.stop()
        for engine, adopted in list(self._adopted.items()):
            engine.__dict__["pool"] = adopted.original
        self._close_everything()
        self._checkouts.stop()

    def _install(self) -> None:
        self._before = Engine.__dict__.get("pool")
        self._checkouts.listen()
        self._sessions.listen()
        type.__setattr__(Engine, "pool", _PoolDescriptor(self))

    def _close_everything(self) -> None:
        for keeper in list(self._keepers.values()):
            keeper.close_now()
        self._keepers.clear()
        for opened in self._index:
            opened.close()

    # --- what the descriptor calls ---

    def _assign(self, engine: Engine, pool: Pool) -> None:
        """``Engine.__init__`` brings a pool, or ``Engine.dispose`` a successor of ours."""
        engine.__dict__["pool"] = pool
        adopted = self._adopted.get(engine)
        if adopted is not None and adopted.settled and self._is_successor(adopted, pool):
            self._succeed(engine, adopted, pool)
            return
        created = adopted.created if adopted else Creation(owners.current(), user_location(), _folder())
        self._adopted[engine] = _Adopted(pool, created)

    def _is_successor(self, adopted: _Adopted, pool: Pool) -> bool:
        ours = isinstance(pool, LoopBoundPool) or isinstance(pool._creator, _Opener)
        return ours or self._keeps_its_pool(adopted.destination)

    def _keeps_its_pool(self, destination: Destination | None) -> bool:
        return self.mode == "observe" or isinstance(destination, LeftAlone)

    def _succeed(self, engine: Engine, adopted: _Adopted, pool: Pool) -> None:
        creator: object = pool._creator
        if self._keeps_its_pool(adopted.destination):
            adopted.original = pool
        elif isinstance(creator, _Opener) and not isinstance(pool, LoopBoundPool):
            pool._creator = self._opener_for(pool, creator.opening)
        self._checkouts.name_pool(pool, masked(engine.url))

    def _pool_of(self, engine: Engine) -> Pool:
        adopted = self._adopted.get(engine)
        if (adopted is None or not adopted.settled) and "url" in engine.__dict__:
            with self._lock:
                self._adopt(engine)
        pool: Pool = engine.__dict__["pool"]
        return pool

    def _adopt(self, engine: Engine) -> None:
        adopted = self._adopted.setdefault(engine, _Adopted(engine.__dict__["pool"]))
        if adopted.settled:
            return
        original = adopted.original
        self._checkouts.name_pool(original, masked(engine.url))
        arguments = connect_arguments(engine.dialect, engine.url, original)
        request = EngineRequest(engine.url, adopted.created, arguments.own_creator)
        adopted.destination = self.resolver(request)
        if not self._keeps_its_pool(adopted.destination):
            engine.__dict__["pool"] = self._pool_for(engine, adopted, arguments)
        adopted.settled = True

    def _pool_for(self, engine: Engine, adopted: _Adopted, arguments: ConnectArguments) -> Pool:
        destination = adopted.destination
        target = None if isinstance(destination, Itself | LeftAlone) else destination
        original = adopted.original
        if isinstance(original, LoopBoundPool):
            original = original.original
        blueprint = Blueprint(original, in_memory=target is not None and is_in_memory(engine.url))
        opening = _Opening(masked(engine.url), engine.dialect, arguments, target, blueprint)
        if engine.dialect.is_async:
            return LoopBoundPool(original, lambda loop: self._pool_in_loop(loop, opening))
        pool = blueprint.build(original._invoke_creator)
        pool._creator = self._opener_for(pool, opening)
        self._checkouts.name_pool(pool, opening.engine_url)
        return pool

    def _opener_for(self, pool: Pool, opening: _Opening) -> _Opener:
        """Make a synchronous pool's creator; what it still holds when it is forgotten is closed then."""
        holder = OpenConnections(self._index)
        finalize(pool, holder.close_orphans).atexit = False
        return _Opener(opening, holder)

    def _pool_in_loop(self, loop: asyncio.AbstractEventLoop | None, opening: _Opening) -> Pool:
        holder = OpenConnections(self._index)
        pool = opening.blueprint.build(_Opener(opening, holder))
        self._checkouts.name_pool(pool, opening.engine_url)
        if loop is not None:
            self.sweep()
            self._keeper_of(loop).watch(holder, pool)
        return pool

    def _keeper_of(self, loop: asyncio.AbstractEventLoop) -> Keeper:
        with self._lock:
            keeper = self._keepers.get(loop)
            if keeper is None:
                keeper = self._keepers[loop] = Keeper(loop)
            return keeper


def install(resolver: Resolver, *, mode: Mode = "on") -> Installation:
    """See every SQLAlchemy engine of the process from now on.

    Args:
        resolver: Says where an engine's connections go, once for each engine, at its first use.
        mode: ``"on"`` redirects; ``"observe"`` changes nothing and only records engines and checkouts.

    Returns:
        The installation; its ``uninstall`` puts everything back.
    """
    installation = Installation(resolver, mode)
    installation._install()
    return installation


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "/"
