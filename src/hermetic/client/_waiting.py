"""How one task waits for another to change something.

``asyncio.Condition`` needs a lock around each change, ``asyncio.Event`` one object for each state. Here several
tasks (the test's, the application's, its children) look at a handful of plain attributes, all in one loop, so a
wait is a predicate, tried again after each change. A wait whose answer is there already does not give up its
turn: Starlette asks ``receive()`` inside a cancelled scope, where giving up the turn would raise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

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
