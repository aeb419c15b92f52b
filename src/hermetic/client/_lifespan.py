"""An application's lifespan, which anybody may start and stop.

Whoever starts a lifespan and whoever stops it may be different tasks (pytest-asyncio sets a fixture up in one and tears
it down in another), while cancel scopes and task groups must be closed by the task that opened them. So neither
runs it: a task of the loop does, which belongs to nobody's task group, in a copy of the starter's context.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

from hermetic import owners
from hermetic.client._asgi import ASGIApp
from hermetic.client._lifespan_run import LifespanRun
from hermetic.client._waiting import running_loop
from hermetic.errors import LifespanError
from hermetic.owners import Owner

# Long enough for a start-up that waits for something real; short enough to be told before a runner's own limit.
TIMEOUT = 30.0


class Lifespan:
    """Start and stop an application, any number of times, in one event loop after another.

    An application that does not know the protocol (it raises before it asks for a message, or returns) counts as
    started. When the running loop is another than that of the last start, the application is started anew in it; what
    was started in a loop that still lives ends when that loop is torn down.

    Args:
        app: The application.
        name: What messages call it.
        owner: Who the connections it opens belong to; by default someone made at each start, with the scope of
            whoever starts it.
        timeout: Seconds that the start-up, and the shutdown, may take; None for any time.

    Attributes:
        app: The application; a change counts from the next start.
        state: What the lifespan leaves for requests; it is filled at start-up and kept afterwards.
        timeout: As given; a change counts from the next start.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        name: str = "the lifespan",
        owner: Owner | None = None,
        timeout: float | None = TIMEOUT,
    ) -> None:
        self.app = app
        self.state: dict[str, Any] = {}
        self.timeout = timeout
        self._name = name
        self._owner = owner
        self._run: LifespanRun | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop in which it is to be stopped; None when there is nothing to stop."""
        if self._run is None or self._run.loop.is_closed():
            return None
        return self._run.loop

    @property
    def running(self) -> bool:
        """Whether its start-up is over, it was not stopped, and its loop is not closed."""
        return self._run is not None and self._run.started and not self._run.loop.is_closed()

    def context_for_requests(self) -> contextvars.Context:
        """Return a copy of the current context with the context variables that the start-up has set."""
        return contextvars.copy_context() if self._run is None else self._run.context_for_requests()

    async def start(self) -> None:
        """Run the start-up; return at once if that was done in this loop, join it if it is under way.

        Raises:
            BaseException: What the application raised, as it raised it.
            LifespanError: The application sent ``lifespan.startup.failed`` and raised nothing, or was not ready in
                time.
            ConfigurationError: No asyncio loop runs.
        """
        __tracebackhide__ = True
        loop = running_loop()
        if self._run is None or self._run.loop is not loop:
            parent = owners.current()
            owner = self._owner or Owner(self._name, "lifespan", parent.scope, parent)
            self._run = LifespanRun(self.app, self.state, self._name, owner, self.timeout)
        run = self._run
        try:
            await run.wait_for_startup()
        except BaseException:
            if not run.joined:
                self._run = None if self._run is run else self._run
                await run.cancel()
            raise

    async def stop(self) -> None:
        """Run the shutdown; do nothing if it was not started, or its loop is closed.

        Raises:
            BaseException: What the application raised, now or since its start.
            LifespanError: The application sent ``lifespan.shutdown.failed`` and raised nothing, did not end in time,
                or runs in another loop than this.
        """
        __tracebackhide__ = True
        run = self._run
        if run is None or self.loop is None:
            self._run = None
            return
        if run.loop is not running_loop():
            raise LifespanError(
                f"{self._name} was started in another event loop than the one that stops it",
                why="Its task, its task groups and what it opened belong to the loop in which it was started.",
                hints=("await the stop in that loop: it is the attribute `loop`",),
            )
        self._run = None
        await run.shut_down()
