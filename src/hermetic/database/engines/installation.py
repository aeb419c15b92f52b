"""One data descriptor in place of ``Engine.pool`` sees every engine of the process.

``Engine`` keeps its pool in a plain instance attribute, so a data descriptor on the class takes precedence over it, for
engines made before it was installed as well as after, and for the proxies that ``execution_options`` makes. The
``do_connect`` event, the usual hook, is not enough: ``creator=``, ``async_creator=`` and ``pool=`` bypass it, and a
listener of the user's own (cloud tokens) runs after ours and wins.

At its first use an engine is *adopted*: its URL is resolved to a destination once, and unless it is left alone it gets
pools whose creator is ours. Listeners stay where they were registered: the new pools share them.

What is known of each engine is kept on the engine itself. A table outside, keyed weakly by engine, would keep every
engine alive: an entry holds the engine's pool, the pool's listeners hold the dialect's initialization, and that holds
the engine.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, overload
from weakref import WeakSet

from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import Pool

from hermetic import owners
from hermetic.code import Location
from hermetic.database.address import in_memory_among, is_in_memory, working_folder
from hermetic.database.backend import Address
from hermetic.database.engines import private, sql_events
from hermetic.database.engines.checkouts import Checkouts, InUse
from hermetic.database.engines.connections import Index, LoopClosers
from hermetic.database.engines.destinations import (
    Creation,
    Destination,
    EngineRequest,
    Itself,
    Judge,
    LeftAlone,
    Prepare,
    Resolver,
    serves,
)
from hermetic.database.engines.gate import Gate
from hermetic.database.engines.location import user_location
from hermetic.database.engines.pools import (
    Blueprint,
    Check,
    LeftPools,
    LoopBoundPool,
    Opener,
    Opening,
    PoolMaker,
    check_of,
)
from hermetic.database.engines.sessions import Identities, SessionOwners
from hermetic.database.in_use import Checkout
from hermetic.events.database import CheckedOut
from hermetic.masking import Masking, masked
from hermetic.steps import every_step

Mode = Literal["on", "observe"]


@dataclass(eq=False)
class Seen:
    """An engine's pool as it came, and what became of it.

    Attributes:
        original: The pool the engine came with.
        created: Who made the engine; None for one older than the installation.
        destination: Where its connections go; None until its first use.
        number: Counts what was seen: an older engine has a smaller one.
    """

    original: Pool
    created: Creation | None = None
    destination: Destination | None = None
    number: int = field(default_factory=lambda: next(_numbers))


_numbers: Iterator[int] = count()


class SeenEngines:
    """The living engines that were made or used since the installation."""

    def __init__(self) -> None:
        self._key = f"_hermetic_{id(self):x}"
        self._engines: WeakSet[Engine] = WeakSet()
        self._unused: WeakSet[Engine] = WeakSet()
        self._lock = threading.Lock()

    def get(self, engine: Engine) -> Seen | None:
        seen: Seen | None = engine.__dict__.get(self._key)
        return seen

    def put(self, engine: Engine, seen: Seen) -> Seen:
        engine.__dict__[self._key] = seen
        with self._lock:
            self._engines.add(engine)
            self._unused.add(engine)
        return seen

    def note_use(self, engine: Engine) -> None:
        """An engine has a destination."""
        with self._lock:
            self._unused.discard(engine)

    def items(self) -> list[tuple[Engine, Seen]]:
        """Return the engines, the oldest first; a set of them has no order."""
        return self._by_age(self._engines)

    def unused(self) -> list[EngineRequest]:
        """Return those that were made and have no destination yet, the oldest first."""
        return [
            EngineRequest(engine.url, seen.created, engine=engine)
            for engine, seen in self._by_age(self._unused)
            if "url" in engine.__dict__
        ]

    def _by_age(self, engines: WeakSet[Engine]) -> list[tuple[Engine, Seen]]:
        with self._lock:
            seen = [(engine, engine.__dict__[self._key]) for engine in engines]
        return sorted(seen, key=lambda each: each[1].number)

    def forget(self) -> None:
        """Leave no trace on any engine."""
        for engine, _ in self.items():
            del engine.__dict__[self._key]
        with self._lock:
            self._engines.clear()
            self._unused.clear()


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
    """Every engine of the process, seen from its first use on. Made by ``install``.

    Attributes:
        closers: Close what is open when event loops end.
    """

    resolver: Resolver
    mode: Mode
    prepare: Prepare
    judge: Judge
    seen: SeenEngines
    masking: Masking
    _index: Index = field(default_factory=Index)
    closers: LoopClosers = field(default_factory=LoopClosers)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._checkouts = Checkouts(self._index)
        self._pools = PoolMaker(self._index, self._checkouts, self.closers)
        self._sessions = SessionOwners(self._checkouts)
        self._left = LeftPools()
        self._telling = sql_events.sources(self.masking)
        self._before: object = None

    @property
    def gate(self) -> Gate:
        """Holds whoever checks a connection out while it is closed to them."""
        return self._checkouts.gate

    def loops(self) -> list[asyncio.AbstractEventLoop]:
        """Return the loops in which engines were used and that are not closed."""
        return self.closers.loops()

    def checked_out(self) -> list[InUse]:
        """Return the connections in use, the oldest first."""
        self.closers.sweep()
        return self._checkouts.all()

    def in_use(self, connection: int) -> InUse | None:
        """Return who has a connection now, by its number in events; None where nobody is known to."""
        return self._checkouts.of(connection)

    def latest_checkout(self, connection: int) -> CheckedOut | None:
        """Return who took a connection last, by its number, be it given back or not; None where nobody is known to."""
        return self._checkouts.latest(connection)

    def in_memory_of_tests(self, connection: int) -> Creation | None:
        """Return who made the engine of a connection, where that is in memory and left to the tests; else None."""
        in_use = self.in_use(connection)
        fairy = in_use.fairy() if in_use is not None and in_use.left_alone else None
        if fairy is None:
            return None
        engines = [
            (engine, seen) for engine, seen in self.seen.items() if seen.original is private.pool_of(fairy)
        ]
        return next((seen.created for engine, seen in engines if is_in_memory(engine.url)), None)

    def take_abandoned(self) -> list[Checkout]:
        """Return, and forget, the checkouts that the end of their event loop ended, not their owner."""
        return self._checkouts.take_abandoned()

    def invalidate(self, database: object, connections: Sequence[DBAPIConnection] | None = None) -> None:
        """Have connections on a worker database replaced, these or (None) all: idle ones at their next checkout."""
        wanted = None if connections is None else {id(connection) for connection in connections}
        for opened in self._index:
            if opened.target is not None and serves(opened.target, database):
                opened.stale = opened.stale or wanted is None or id(opened.connection) in wanted

    def replace(self, connections: Sequence[DBAPIConnection]) -> None:
        """Have these connections replaced at their next checkout."""
        for connection in connections:
            opened = self._index.get(connection)
            if opened is not None:
                opened.stale = True

    @property
    def identities(self) -> Identities:
        """The objects that the living Sessions hold."""
        return Identities(self._sessions)

    def uninstall(self) -> None:
        """Give every engine back the pool it came with, restore the classes, and close every connection."""
        if self._before is None:
            delattr(Engine, "pool")
        else:
            type.__setattr__(Engine, "pool", self._before)
        for source in self._telling:
            source.close()
        self._sessions.stop()
        self._left.stop()
        for engine, seen in self.seen.items():
            engine.__dict__["pool"] = seen.original
        self.seen.forget()
        with every_step() as step:
            with step:
                self._close_everything()
            with step:
                self._checkouts.stop()

    def _install(self) -> None:
        self._before = Engine.__dict__.get("pool")
        self._checkouts.listen()
        self._sessions.listen()
        for source in self._telling:
            source.open()
        type.__setattr__(Engine, "pool", _PoolDescriptor(self))

    def _close_everything(self) -> None:
        with every_step() as step:
            with step:
                self.closers.close_now()
            for opened in [each for each in self._index if not each.dialect.is_async]:
                with step:
                    opened.close()

    # --- what the descriptor calls ---

    def _assign(self, engine: Engine, pool: Pool) -> None:
        """``Engine.__init__`` brings a pool, or ``Engine.dispose`` a successor of ours."""
        engine.__dict__["pool"] = pool
        seen = self.seen.get(engine)
        if seen is None:
            created = Creation(owners.current(), user_location(), working_folder(), _given())
            self.seen.put(engine, Seen(pool, created))
        elif seen.destination is not None and self._is_successor(seen.destination, pool):
            self._succeed(engine, seen, pool)
        else:
            self.seen.put(engine, Seen(pool, seen.created))

    def _is_successor(self, destination: Destination, pool: Pool) -> bool:
        ours = isinstance(pool, LoopBoundPool) or isinstance(private.creator_of(pool), Opener)
        return ours or self._keeps_its_pool(destination)

    def _keeps_its_pool(self, destination: Destination) -> bool:
        return self.mode == "observe" or isinstance(destination, LeftAlone)

    def _succeed(self, engine: Engine, seen: Seen, pool: Pool) -> None:
        creator = private.creator_of(pool)
        if isinstance(pool, LoopBoundPool):
            return
        if isinstance(creator, Opener):
            self._pools.watch(pool, creator.opening)
        else:
            seen.original = pool
            self._keep_pool(engine, pool, seen.destination)

    def _pool_of(self, engine: Engine) -> Pool:
        seen = self.seen.get(engine)
        if (seen is None or seen.destination is None) and "url" in engine.__dict__:
            self._adopt(engine)
        pool: Pool = engine.__dict__["pool"]
        return pool

    def _adopt(self, engine: Engine) -> None:
        seen = self.seen.get(engine)
        self.prepare(EngineRequest(engine.url, seen.created if seen else None, engine=engine))
        with self._lock:
            original = engine.__dict__["pool"]
            seen = self.seen.get(engine) or self.seen.put(engine, Seen(original))
            if seen.destination is None:
                self._send(engine, seen, original)

    def _send(self, engine: Engine, seen: Seen, original: Pool) -> None:
        arguments = private.connect_arguments(engine.dialect, engine.url, original)
        destination = self.resolver(EngineRequest(engine.url, seen.created, arguments.own_creator, engine))
        if self._keeps_its_pool(destination):
            self._keep_pool(engine, original, destination)
            if self.mode == "on":
                self._left.look_at(original, self._check_of(engine, seen, arguments))
        else:
            engine.__dict__["pool"] = self._pool_for(engine, seen, original, destination, arguments)
        seen.destination = destination
        self.seen.note_use(engine)

    def _keep_pool(self, engine: Engine, pool: Pool, destination: Destination | None) -> None:
        self._checkouts.name_pool(pool, masked(engine.url), _made_at(self.seen.get(engine)))
        if isinstance(destination, LeftAlone):
            self._checkouts.leave_alone(pool)

    def _check_of(self, engine: Engine, seen: Seen, arguments: private.ConnectArguments) -> Check:
        request = EngineRequest(engine.url, seen.created, arguments.own_creator)
        return check_of(engine.dialect, request, self.judge)

    def _pool_for(
        self,
        engine: Engine,
        seen: Seen,
        original: Pool,
        destination: Destination,
        arguments: private.ConnectArguments,
    ) -> Pool:
        target = None if isinstance(destination, Itself | LeftAlone) else destination
        if isinstance(original, LoopBoundPool):
            original = original.original
        blueprint = Blueprint(original, in_memory=target is not None and is_in_memory(engine.url))
        check = self._check_of(engine, seen, arguments)
        return self._pools.make(
            Opening(masked(engine.url), engine.dialect, arguments, target, blueprint, check, _made_at(seen))
        )


def install(
    resolver: Resolver,
    *,
    mode: Mode = "on",
    prepare: Prepare = lambda request: None,
    judge: Judge = lambda request, reached: None,
    seen: SeenEngines | None = None,
    masking: Masking | None = None,
) -> Installation:
    """See every SQLAlchemy engine of the process from now on.

    Args:
        resolver: Says where an engine's connections go, once for each engine, at its first use. A lock is held
            meanwhile that every other engine's first use waits for: it decides from what is known, and runs no
            code of the project.
        prepare: Called before the resolver, without a lock, by each thread that finds an engine unused: what imports
            the project's code, which may use engines itself and wait for threads that do.
        judge: Called with where a new connection really is, None where it cannot be asked: refuses it, or not.
        seen: Where engines are entered, for a resolver that looks at those which were made and not used yet.
        mode: ``"on"`` redirects; ``"observe"`` changes nothing and only records engines and checkouts.
        masking: What is told of the parameters of statements.

    Returns:
        The installation; its ``uninstall`` puts everything back.

    Raises:
        UnsupportedVersion: This SQLAlchemy has not all that is needed for that.
    """
    private.require()
    installation = Installation(resolver, mode, prepare, judge, seen or SeenEngines(), masking or Masking())
    installation._install()
    return installation


def _made_at(seen: Seen | None) -> Location | None:
    return None if seen is None or seen.created is None else seen.created.location


def _given() -> frozenset[Address]:
    return in_memory_among(os.environ.get(name, "") for name in list(os.environ))
