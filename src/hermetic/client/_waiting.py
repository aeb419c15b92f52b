"""How one task waits for another to change something, or to end.

``asyncio.Condition`` needs a lock around each change, ``asyncio.Event`` one object for each state. Here several
tasks (the test's, the application's, its children) look at a handful of plain attributes, all in one loop, so a
wait is a predicate, tried again after each change. A wait whose answer is there already does not give up its
turn: Starlette asks ``receive()`` inside a cancelled scope, where giving up the turn would raise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hermetic.errors import ConfigurationError


class Signal:
    """Tells waiting tasks of one loop that a state has changed.

    Args:
        loop: The loop of every task that waits.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiters: list[asyncio.Future[None]] = []

    def fire(self) -> None:
        """Let every waiting task look again."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def until(self, ready: Callable[[], bool]) -> None:
        """Return once ``ready()`` is true: at once, without a turn of the loop, when it already is."""
        __tracebackhide__ = True
        while not ready():
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                self._waiters.remove(waiter)


async def outlast(task: asyncio.Task[Any], cancel: Callable[[], object]) -> None:
    """Wait until a task has ended, even when the waiting task is itself cancelled meanwhile.

    The first cancellation is passed on to the task; later ones (anyio repeats its own at each turn) are not, so that
    the task can clean up. A request that was cancelled has given back its connections before the test goes on.

    Args:
        task: The task to wait for; its result and its error are left alone.
        cancel: What passes a cancellation on.

    Raises:
        asyncio.CancelledError: The waiting task was cancelled; raised after the end of ``task``.
    """
    __tracebackhide__ = True
    interruption: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as cancelled:
            if interruption is None:
                cancel()
            interruption = cancelled
    if interruption is not None:
        raise interruption


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running asyncio loop.

    Raises:
        ConfigurationError: No asyncio loop runs here.
    """
    __tracebackhide__ = True
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigurationError(
            "AsyncTestClient was awaited where no asyncio event loop runs",
            why="It runs the application in the test's own loop: asyncio's or uvloop's, not trio's.",
            hints=(
                "under anyio's pytest plugin, let the fixture `anyio_backend` return 'asyncio'",
                "elsewhere, await it inside asyncio.run(...) or in a test that pytest-asyncio runs",
            ),
        ) from None
