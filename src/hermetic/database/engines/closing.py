"""Connections are closed in the event loop that opened them, without control over that loop.

A ``Keeper`` primes an async generator in its loop: the loop registers every generator that starts in it, and runs
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
from collections.abc import AsyncGenerator, Callable
from typing import Any

from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.util import greenlet_spawn

from hermetic.database import backends
from hermetic.database.engines.connections import OpenConnections
from hermetic.database.engines.location import is_in_a_driver

log = logging.getLogger("hermetic.engines")

LAST_RESORT_SECONDS = 5.0
"""How long a private loop may take to close what a dead loop left behind."""

DRIVERS_SECONDS = 1.0
"""How long a driver's own task may take to end with its loop."""

_POLITE_ROUNDS = 20
_POLITE_PAUSE = 0.002
"""Other generators that end with the loop (a ``get_db`` cut short) may still hand their connections back: 40 ms."""


class Keeper:
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


async def _until_the_loop_ends(keeper: Keeper) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await keeper.close()


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
    thread = threading.Thread(target=_run_privately, args=(function,), name="hermetic-closes", daemon=True)
    thread.start()
    thread.join(LAST_RESORT_SECONDS + 1)


def _run_privately(function: Callable[[], None]) -> None:
    try:
        asyncio.run(asyncio.wait_for(greenlet_spawn(function), LAST_RESORT_SECONDS))
    except Exception:
        log.debug("closing what a dead loop left behind", exc_info=True)


def _abort(dialect: Dialect, connection: DBAPIConnection) -> None:
    """End a connection whose transport is bound to its loop; the others can be closed in any loop."""
    backend = backends.find(dialect.name)
    if backend is not None:
        backend.abort(dialect, connection)
