"""Who uses which connection, from its checkout, where there is a gate, to its return."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError, IllegalStateChangeError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, Pool, PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from hermetic import owners
from hermetic.code import Location
from hermetic.database.engines import private
from hermetic.database.engines.connections import Index, Opened, run_in_loop
from hermetic.database.engines.gate import Gate
from hermetic.database.engines.location import user_location
from hermetic.database.in_use import Checkout
from hermetic.events import emit, listeners
from hermetic.events.database import (
    CheckedIn,
    CheckedOut,
    ConnectionOpened,
    HandedOver,
    LoopEndedUnder,
    PoolExhausted,
)
from hermetic.owners import Owner


@dataclass(eq=False)
class InUse:
    """A connection that is checked out now.

    Attributes:
        checkout: Who checked it out, and where.
        connection: The driver connection.
        loop: The event loop it was checked out in; None outside any.
        fairy: What the pool handed out.
        session: The Session that checked it out; none where none did.
        left_alone: Whether its engine is one that hermetic leaves alone.
        was_waited_for: Whether somebody waited already for its being given back.
        thread: The thread it was checked out in.
    """

    checkout: Checkout
    connection: DBAPIConnection
    loop: asyncio.AbstractEventLoop | None
    dialect: Dialect
    fairy: weakref.ref[PoolProxiedConnection]
    session: weakref.ref[Session] | None = None
    left_alone: bool = False
    was_waited_for: bool = False
    _task: weakref.ref[asyncio.Task[Any]] | None = None
    thread: threading.Thread | None = None

    @property
    def task(self) -> asyncio.Task[Any] | None:
        """The task that checked it out, as long as that runs."""
        task = self._task() if self._task is not None else None
        return None if task is None or task.done() else task

    @property
    def is_busy(self) -> bool:
        """Whether the task that checked it out may give it back, or, outside any loop, another thread."""
        if self.loop is not None or self.thread is None:
            return self.task is not None
        return self.thread.is_alive() and self.thread not in (
            threading.current_thread(),
            threading.main_thread(),
        )

    @property
    def owner(self) -> Owner:
        """Who it belongs to."""
        return self.checkout.owner

    @property
    def location(self) -> Location:
        """The user's line that checked it out."""
        return self.checkout.location

    @property
    def engine(self) -> str:
        """The engine's URL, password masked."""
        return self.checkout.engine

    @property
    def is_live(self) -> bool:
        """Whether the connection has not been given back yet."""
        fairy = self.fairy()
        return fairy is not None and fairy.dbapi_connection is self.connection

    def handles(self) -> list[Any]:
        """Return what one must have at hand to use it."""
        session = self.session() if self.session is not None else None
        return [each for each in (session, self.fairy()) if each is not None]

    async def end(self) -> None:
        """Close the connection, in the loop that runs it."""
        await greenlet_spawn(self._end)

    def end_now(self) -> None:
        """Close the connection from synchronous code, on its loop where that stands still, else by force."""
        if self.dialect.is_async:
            run_in_loop(self.loop, self._end, self.dialect, [self.connection])
        else:
            self._end()

    def _end(self) -> None:
        """A Session is told, or it would go on with a connection that is gone; never in the middle of its commit."""
        if not self.is_live:
            return
        session = self.session() if self.session is not None else None
        if session is not None:
            with suppress(
                IllegalStateChangeError
            ):  # in another thread: its database has ended the transaction
                session.invalidate()
        fairy = self.fairy()
        if fairy is not None and self.is_live:
            fairy.invalidate()


class Checkouts:
    """The connections in use in this process, of every engine, redirected or not.

    Args:
        index: The connections that redirected engines have open.

    Attributes:
        gate: Holds whoever checks a connection out while it is closed to them.
    """

    def __init__(self, index: Index) -> None:
        self.gate = Gate()
        self._index = index
        self._in_use: dict[int, list[InUse]] = {}
        self._latest: dict[int, tuple[Checkout, int, Location | None]] = {}
        self._abandoned: list[tuple[Checkout, Any]] = []
        self._engines: weakref.WeakKeyDictionary[Pool, tuple[str, Location | None]] = (
            weakref.WeakKeyDictionary()
        )
        self._left_alone: weakref.WeakSet[Pool] = weakref.WeakSet()
        self._listeners = (
            ("connect", self._on_connect),
            ("checkout", self._on_checkout),
            ("checkin", self._on_checkin),
            ("close", self._on_close),
            ("close_detached", self._on_close_detached),
        )

    def listen(self) -> None:
        """Hear of every pool in the process."""
        for name, listener in self._listeners:
            event.listen(Pool, name, listener)

    def stop(self) -> None:
        """Hear of none any more."""
        for name, listener in self._listeners:
            event.remove(Pool, name, listener)
        self._in_use.clear()
        self._latest.clear()

    def name_pool(self, pool: Pool, url: str, made_at: Location | None) -> None:
        """Tell which engine a pool belongs to: by its masked URL, and the user's line that made it."""
        self._engines[pool] = (url, made_at)

    def leave_alone(self, pool: Pool) -> None:
        """Tell that a pool's connections are none of hermetic's."""
        self._left_alone.add(pool)

    def all(self) -> list[InUse]:
        """Return the connections in use, the oldest first."""
        return [each for stack in list(self._in_use.values()) for each in stack if each.is_live]

    def of(self, connection: int) -> InUse | None:
        """Return who has a connection now, by its number in events; None where nobody is known to."""
        return next(iter(self._in_use.get(connection, ())[-1:]), None)

    def latest(self, connection: int) -> CheckedOut | None:
        """Return who took a connection last, by its number, be it given back or not; None where nobody is known to.

        It is asked for where a test has failed: to tell each test of each of its checkouts takes longer.
        """
        found = self._latest.get(connection)
        if found is None:
            return None
        checkout, loop, made_at = found
        return CheckedOut(checkout.owner, checkout.location, checkout.engine, connection, loop, made_at)

    def tell_of_exhausted(self, pool: Pool) -> None:
        """Tell that a pool had no connection to give, and who has those that there are."""
        if PoolExhausted in listeners:
            url, made_at = self._engines.get(pool, ("a pool without an engine", None))
            held = [(each, each.fairy()) for each in self.all()]
            mine = [each for each, fairy in held if fairy is not None and private.pool_of(fairy) is pool]
            holders = tuple(each.owner.name for each in mine)
            taken_at = tuple(str(each.location) for each in mine)
            emit(PoolExhausted(owners.current(), user_location(), url, made_at, holders, taken_at))

    def take_abandoned(self) -> list[Checkout]:
        """Return, and forget, the checkouts that the end of their event loop ended, and their user has not since.

        A fixture that lives in another loop than the test closes its session only after the test's loop has ended:
        it abandoned nothing.
        """
        abandoned, self._abandoned = self._abandoned, []
        return [checkout for checkout, fairy in abandoned if private.is_unreturned(fairy)]

    def hand_over(self, connection: Any, owner: Owner, session: Session) -> None:
        """Make the latest checkout of a driver connection the owner's of the Session that made it."""
        for in_use in self._in_use.get(id(connection), ())[-1:]:
            in_use.checkout.owner = owner
            in_use.session = weakref.ref(session)
            if HandedOver in listeners and in_use.checkout.owner is not owners.current():
                emit(HandedOver(owner, id(connection)))

    def _on_connect(self, connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        self._latest.pop(id(connection), None)  # of another one that had its number
        if ConnectionOpened in listeners:
            loop = asyncio._get_running_loop()
            number = 0 if loop is None else id(loop)
            emit(ConnectionOpened(owners.current(), user_location(), id(connection), number))

    def _on_checkout(
        self, connection: DBAPIConnection, record: ConnectionPoolEntry, fairy: PoolProxiedConnection
    ) -> None:
        opened = self._index.get(connection)
        if opened is not None and opened.stale:
            raise DisconnectionError("hermetic made this connection's database anew")
        pool = private.pool_of(fairy)
        dialect = private.dialect_of(pool)
        if self.gate.is_closed:
            self.gate.wait(owners.current(), in_greenlet=dialect.is_async)
        url, made_at = self._engines.get(pool, ("a pool without an engine", None))
        checkout = Checkout(owners.current(), user_location(), url)
        loop = asyncio._get_running_loop()
        task = asyncio.current_task(loop) if loop is not None else None
        in_use = InUse(checkout, connection, loop, dialect, weakref.ref(fairy), _task=_weakly(task))
        in_use.left_alone = pool in self._left_alone
        in_use.thread = threading.current_thread()
        checkout.used_by = weakref.ref(in_use)
        self._add(in_use)
        if self.gate.is_closed:  # meanwhile, perhaps by who did not see this one yet
            self._in_use[id(connection)].remove(in_use)
            self.gate.wait(owners.current(), in_greenlet=dialect.is_async)
            self._add(in_use)
        self._note(opened, connection, checkout)
        number = 0 if loop is None else id(loop)
        self._latest[id(connection)] = checkout, number, made_at
        if CheckedOut in listeners:
            emit(CheckedOut(checkout.owner, checkout.location, url, id(connection), number, made_at))

    def _add(self, in_use: InUse) -> None:
        key = id(in_use.connection)
        self._in_use[key] = [*(each for each in self._in_use.get(key, ()) if each.is_live), in_use]

    def _on_checkin(self, connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        """Only the first of several users of a StaticPool's one connection is seen to give it back."""
        stack = self._in_use.get(id(connection), ())
        if len(stack) == 1:
            del self._in_use[id(connection)]
            self._note(self._index.get(connection), connection, None)
            _tell_of_return(stack)

    def _note(self, opened: Opened | None, connection: Any, checkout: Checkout | None) -> None:
        if opened is not None and opened.target is not None:
            opened.target.note_checkout(connection, checkout)

    def _on_close(self, connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        self._forget(connection)

    def _on_close_detached(self, connection: DBAPIConnection) -> None:
        self._forget(connection)

    def _forget(self, connection: DBAPIConnection) -> None:
        stack = self._in_use.pop(id(connection), [])
        opened = self._index.get(connection)
        if id(connection) in self._index.abandoned:
            self._index.abandoned.discard(id(connection))
            # Held until it is asked for: collected, it could not tell whether it was closed.
            self._abandoned.extend((each.checkout, each.fairy()) for each in stack)
            if LoopEndedUnder in listeners:
                for each in stack:
                    emit(LoopEndedUnder(id(connection), id(each.fairy())))
        self._latest.pop(id(connection), None)
        if opened is not None:
            opened.holder.discard(opened)
        _tell_of_return(stack)


def _tell_of_return(stack: Collection[InUse]) -> None:
    if CheckedIn in listeners:
        for each in stack:
            emit(CheckedIn(each.owner, each.location, each.engine, id(each.connection)))


def _weakly(task: asyncio.Task[Any] | None) -> weakref.ref[asyncio.Task[Any]] | None:
    return None if task is None else weakref.ref(task)
