"""The driver connections that redirected engines hold open, and how each is closed.

A connection is remembered without keeping its pool alive: a suite that makes an engine a test and never disposes of it
(most recipes do) must not collect a thousand engines. So an entry holds the driver's connection, but its pool record
only weakly, and the pool's own end closes what is left.

Connections are closed in the event loop that opened them, without control over that loop.

A ``LoopCloser`` primes an async generator in its loop: the loop registers every generator that starts in it, and runs
their ``finally`` blocks in ``loop.shutdown_asyncgens()``, which ``asyncio.run``, ``Runner.close``, anyio's portals and
uvloop's runner all call while the loop still lives. That block closes what the loop's pools hold, checked in or out.

A loop that is closed without that call takes its connections with it: they are then closed from a private loop in a
thread of its own (aiosqlite and psycopg do not mind another loop; asyncpg's transport is aborted first).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from hermetic.database.backend import find_backend
from hermetic.database.engines.destinations import Target
from hermetic.database.engines.location import is_in_a_driver
from hermetic.steps import every_step
from hermetic.threads import OURS

log = logging.getLogger("hermetic.engines")


@dataclass(eq=False)
class Opened:
    """A driver connection that is open.

    Attributes:
        connection: What SQLAlchemy calls the DBAPI connection (an adapter, for async drivers).
        dialect: Its engine's dialect, which knows how to close it.
        target: The database it is on; None where the engine opens what its URL says.
        holder: The set that keeps it until it is closed.
        stale: Whether it must be replaced at its next checkout.
    """

    connection: DBAPIConnection
    dialect: Dialect
    target: Target | None
    holder: OpenConnections
    record: weakref.ref[ConnectionPoolEntry]
    stale: bool = False

    def close(self) -> None:
        """Close it, in or out of its pool. For an async driver, call this inside ``greenlet_spawn``."""
        self.holder.discard(self)
        record = self.record()
        fairy = fairy_of(record)
        if fairy is not None and fairy.dbapi_connection is self.connection:
            fairy.invalidate()
        elif record is not None and record.dbapi_connection is self.connection:
            # Not close(): what a driver says of a server that is gone would be logged with its traceback.
            record.invalidate()
        else:
            self._close_orphan()

    def _close_orphan(self) -> None:
        try:
            self.dialect.do_close(self.connection)
        except Exception:
            log.debug("closing %r", self.connection, exc_info=True)


def fairy_of(record: ConnectionPoolEntry | None) -> PoolProxiedConnection | None:
    """Return what the user holds while a connection is checked out, or None."""
    reference = getattr(record, "fairy_ref", None)
    fairy: PoolProxiedConnection | None = reference() if reference is not None else None
    return fairy


@dataclass(eq=False)
class OpenConnections:
    """The open connections of one pool (for async engines: of one pool in one loop)."""

    index: Index
    _opened: set[Opened] = field(default_factory=set)

    def add(
        self,
        connection: DBAPIConnection,
        record: ConnectionPoolEntry,
        dialect: Dialect,
        target: Target | None,
    ) -> None:
        opened = Opened(connection, dialect, target, self, weakref.ref(record))
        self._opened.add(opened)
        self.index.add(opened)

    def discard(self, opened: Opened) -> None:
        if opened in self._opened and opened.target is not None:
            opened.target.note_closed(opened.connection)
        self._opened.discard(opened)
        self.index.discard(opened)

    def close(self) -> None:
        """Close them all. For an async driver, call this inside ``greenlet_spawn``."""
        for opened in self:
            opened.close()

    def close_orphans(self) -> None:
        """Close those whose pool is gone; called when a synchronous pool ends."""
        for opened in [each for each in self if each.record() is None]:
            opened.close()

    def in_use(self) -> list[Opened]:
        """Return those that are checked out now."""
        return [opened for opened in self if fairy_of(opened.record()) is not None]

    def __iter__(self) -> Iterator[Opened]:
        """Iterate over a copy, made without running any Python code: other threads open and close meanwhile."""
        return iter(list(self._opened))

    def __len__(self) -> int:
        return len(self._opened)


class Index:
    """Every open connection, by the identity of its driver connection.

    Attributes:
        abandoned: Identities of the connections whose loop ends while somebody still uses them.
    """

    def __init__(self) -> None:
        self._by_id: dict[int, Opened] = {}
        self.abandoned: set[int] = set()

    def add(self, opened: Opened) -> None:
        self._by_id[id(opened.connection)] = opened

    def discard(self, opened: Opened) -> None:
        self._by_id.pop(id(opened.connection), None)

    def get(self, connection: Any) -> Opened | None:
        return self._by_id.get(id(connection))

    def __iter__(self) -> Iterator[Opened]:
        return iter(list(self._by_id.values()))


LAST_RESORT_SECONDS = 5.0
"""How long a private loop may take to close what a dead loop left behind."""

DRIVERS_SECONDS = 1.0
"""How long a driver's own task may take to end with its loop."""

_POLITE_ROUNDS = 20
_POLITE_PAUSE = 0.002
"""Other generators that end with the loop (a ``get_db`` cut short) may still hand their connections back: 40 ms."""


class LoopCloser:
    """Closes the connections of one event loop when that loop ends.

    Must be made in the running loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._holders: set[OpenConnections] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._generator: AsyncGenerator[None, None] | None = None
        if sys.get_asyncgen_hooks().firstiter and not getattr(loop, "_asyncgens_shutdown_called", False):
            self._generator = _until_the_loop_ends(self)
            _prime(self._generator)

    def watch(self, holder: OpenConnections, pool: object) -> None:
        """Close this holder's connections when the loop ends, or when its pool does."""
        self._holders.add(holder)
        weakref.finalize(pool, self._retire, holder).atexit = False

    def _retire(self, holder: OpenConnections) -> None:
        """A pool ended (its engine was disposed of, or forgotten): close what it still held, in the loop.

        Runs in the garbage collector, in any thread: it takes no lock and waits for nothing.
        """
        with contextlib.suppress(RuntimeError):  # the loop is closed, and its end has closed them
            self.loop.call_soon_threadsafe(self._start_closing, holder)

    def _start_closing(self, holder: OpenConnections) -> None:
        if not holder:
            self._holders.discard(holder)
            return
        task = self.loop.create_task(greenlet_spawn(holder.close))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._holders.discard(holder) if not holder else None)

    async def close(self) -> None:
        """Close everything, in the loop; give others who end with the loop a moment to hand back what they use."""
        for _ in range(_POLITE_ROUNDS):
            if not any(holder.in_use() for holder in self._holders):
                break
            await asyncio.sleep(_POLITE_PAUSE)
        await _end_drivers_tasks()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LAST_RESORT_SECONDS)
        for holder in list(self._holders):
            holder.index.abandoned.update(id(opened.connection) for opened in holder.in_use())
            closing = asyncio.create_task(greenlet_spawn(holder.close))
            for done in (await asyncio.wait([closing], timeout=LAST_RESORT_SECONDS))[0]:
                done.result()

    def close_now(self) -> None:
        """Close everything from synchronous code: in the loop where it stands still, else from a private one."""
        for holder in list(self._holders):
            if holder:
                _close_holder(self.loop, holder)


class LoopClosers:
    """One for each event loop in which engines are used; every method may be called in any thread."""

    def __init__(self) -> None:
        self._closers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopCloser] = (
            weakref.WeakKeyDictionary()
        )
        self._lock = threading.RLock()

    def of(self, loop: asyncio.AbstractEventLoop) -> LoopCloser:
        """Return that of the running loop."""
        with self._lock:
            if loop not in self._closers:
                self._closers[loop] = LoopCloser(loop)
            return self._closers[loop]

    def loops(self) -> list[asyncio.AbstractEventLoop]:
        """Return the loops that are not closed."""
        with self._lock:
            return [loop for loop in self._closers if not loop.is_closed()]

    def sweep(self) -> None:
        """Close what loops left open that were closed without a chance to close it themselves."""
        with self._lock:
            # By reference: to iterate over a weak dictionary takes five times as long.
            loops = [reference() for reference in self._closers.keyrefs()]
            ended = [self._closers.pop(loop) for loop in loops if loop is not None and loop.is_closed()]
        for closer in ended:  # which may take seconds, and no lock may be held that long
            closer.close_now()

    def close_now(self) -> None:
        """Close everything."""
        with every_step() as step:
            for closer in list(self._closers.values()):
                with step:
                    closer.close_now()
            self._closers.clear()


async def _end_drivers_tasks() -> None:
    """Let drivers end what they do in tasks of their own, such as closing a connection whose user was cancelled.

    Before anything else is closed: a driver that closes a connection twice at once may never hear of the second.
    """
    current = asyncio.current_task()
    closing = [task for task in asyncio.all_tasks() if task is not current and _is_of_a_driver(task)]
    if not closing:
        return
    _, left = await asyncio.wait(closing, timeout=DRIVERS_SECONDS)
    for task in left:
        task.cancel()


def _is_of_a_driver(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and is_in_a_driver(code.co_filename)


async def _until_the_loop_ends(closer: LoopCloser) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await closer.close()


def _prime(generator: AsyncGenerator[None, None]) -> None:
    """Run it to its ``yield``: the loop's hook registers it, and nothing is awaited on the way."""
    with contextlib.suppress(StopIteration):
        generator.__anext__().send(None)


def _close_holder(loop: asyncio.AbstractEventLoop, holder: OpenConnections) -> None:
    first = next(iter(holder))
    run_in_loop(loop, holder.close, first.dialect, [opened.connection for opened in holder])


def run_in_loop(
    loop: asyncio.AbstractEventLoop | None,
    function: Callable[[], None],
    dialect: Dialect,
    connections: list[DBAPIConnection],
) -> None:
    """Run what closes these connections, from synchronous code.

    Args:
        loop: The loop they belong to. Where it stands still it runs the function; where it runs in another thread
            it is asked to; where it is closed, or is the one that waits for us, a private loop does.
        function: Closes them; may await through greenlets.
        dialect: The dialect of the connections.
        connections: What is closed, so that a dead transport can be aborted first.
    """
    if loop is None or loop.is_closed():
        _in_a_private_loop(function, dialect, connections)
    elif not loop.is_running() and asyncio._get_running_loop() is None:
        loop.run_until_complete(greenlet_spawn(function))
    elif loop.is_running() and asyncio._get_running_loop() is not loop:
        closing = asyncio.run_coroutine_threadsafe(greenlet_spawn(function), loop)
        try:
            closing.result(LAST_RESORT_SECONDS)
        except TimeoutError:  # something blocks it
            closing.cancel()
            _in_a_private_loop(function, dialect, connections)
    else:
        _in_a_private_loop(function, dialect, connections)


def _in_a_private_loop(
    function: Callable[[], None], dialect: Dialect, connections: list[DBAPIConnection]
) -> None:
    for connection in connections:
        _abort(dialect, connection)
    thread = threading.Thread(target=_run_privately, args=(function,), name=f"{OURS}closes", daemon=True)
    thread.start()
    thread.join(LAST_RESORT_SECONDS + 1)


def _run_privately(function: Callable[[], None]) -> None:
    try:
        asyncio.run(asyncio.wait_for(greenlet_spawn(function), LAST_RESORT_SECONDS))
    except Exception:
        log.debug("closing what a dead loop left behind", exc_info=True)


def _abort(dialect: Dialect, connection: DBAPIConnection) -> None:
    """End a connection whose transport is bound to its loop; the others can be closed in any loop."""
    backend = find_backend(dialect.name)
    if backend is not None:
        backend.abort(dialect, connection)
