"""An application's lifespan, which anybody may start and stop.

Whoever starts a lifespan and whoever stops it may be different tasks (pytest-asyncio sets a fixture up in one and tears
it down in another), while cancel scopes and task groups must be closed by the task that opened them. So neither
runs it: a task of the loop does, which belongs to nobody's task group, in a copy of the starter's context.

A loop that is torn down cancels all its tasks. For a lifespan that nobody stopped, the cancellation of its wait for the
shutdown is the request to shut down: the code after ``yield`` runs as it would have (inside an anyio task group up to
its first ``await``: the teardown cancels the group's children, and that the group). The same holds when a task group in
the lifespan cancels its host because a child failed; leaving the group then raises the child's error.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from functools import cached_property
from typing import Any

from hermetic import owners, tasks
from hermetic.calls import told_of
from hermetic.client._app_task import Condition, running_loop
from hermetic.client._asgi import ASGI_VERSION, ASGIApp, Message, Scope, as_asgi3
from hermetic.client._cancellation import Cancellation, own_error, retrieve_error
from hermetic.errors import LifespanError
from hermetic.owners import Owner, owned_by

# Long enough for a start-up that waits for something real; short enough to be told before a runner's own limit.
TIMEOUT = 30.0
_UNSET = object()


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


class LifespanRun:
    """One run of the protocol, from start-up to shutdown, in one loop."""

    def __init__(
        self, app: ASGIApp, state: dict[str, Any], name: str, owner: Owner, timeout: float | None
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.joined = 0
        self.started = False
        self.context = contextvars.copy_context()
        self._before = self.context
        self._timeout = timeout
        self._name = name
        self._owner = owner
        self._changed = Condition()
        self._asked = False
        self._failed: str | None = None
        self._stopping = False
        self._shutdown_sent = False
        self._torn_down = False
        self._idle = False
        self._ended = False
        self._error: BaseException | None = None
        self._app = app
        scope: Scope = {"type": "lifespan", "asgi": ASGI_VERSION.copy(), "state": state}
        self._task = asyncio.create_task(self._run(app, scope), name=f"{tasks.OURS}{name}")

    @cached_property
    def _cancellation(self) -> Cancellation:
        return Cancellation(self._task)

    # The application's side.

    async def _run(self, app: ASGIApp, scope: Scope) -> None:
        __tracebackhide__ = True
        try:
            with owned_by(self._owner):
                await told_of(as_asgi3(app), scope)(scope, self.receive, self.send)
        except BaseException as error:
            self._error = own_error(error, vars(self).get("_cancellation"))
            if self.loop.is_closed():
                return  # it is collected after its loop: nobody is left to be told
        self._ended = True
        self._changed.notify_all()
        if self._torn_down and isinstance(self._error, Exception):
            raise self._error  # nobody else is left to say it: the loop's teardown logs it

    async def receive(self) -> Message:
        """Give the application ``lifespan.startup``, then, when it is time, ``lifespan.shutdown``."""
        __tracebackhide__ = True
        if not self._asked:
            self._asked = True
            return {"type": "lifespan.startup"}
        if self._failed is None and not self._shutdown_sent:
            await self._until_stopping()
            self._shutdown_sent = True
            return {"type": "lifespan.shutdown"}
        self._idle = True  # it asks for more than there is: it has come to its end
        self._changed.notify_all()
        await self._changed.wait_for(lambda: False)
        raise AssertionError  # pragma: no cover - the wait above only ends by cancellation

    async def _until_stopping(self) -> None:
        __tracebackhide__ = True
        try:
            await self._changed.wait_for(lambda: self._stopping)
        except asyncio.CancelledError:
            if self._cancellation.cancelled or asyncio.current_task() is not self._task:
                raise
            self._task.uncancel()
            self._torn_down = True

    async def send(self, message: Message) -> None:
        """Take what the application says of its start-up or its shutdown."""
        __tracebackhide__ = True
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            self.started = True
            self.context = contextvars.copy_context()
        elif kind in ("lifespan.startup.failed", "lifespan.shutdown.failed"):
            self._failed = message.get("message", "")
        self._changed.notify_all()

    # The side of whoever starts and stops it.

    async def wait_for_startup(self) -> None:
        """Return when the application has started; raise why it did not."""
        __tracebackhide__ = True
        self.joined += 1
        try:
            await self._in_time("start-up", lambda: self.started or self._ended or self._idle)
            if not self.started:
                await self._raise_why_not_started()
        finally:
            self.joined -= 1

    async def _raise_why_not_started(self) -> None:
        __tracebackhide__ = True
        await self.cancel()
        if not self._asked and isinstance(self._error, Exception) and not _knows_lifespans(self._app):
            self._error = None  # it does not know the protocol: the specification says to go on without
        self._raise_failure("lifespan.startup.failed")
        self.started = True

    async def shut_down(self) -> None:
        """Let the application shut down, wait for its end, and raise what went wrong."""
        __tracebackhide__ = True
        self._stopping = True
        self._changed.notify_all()
        try:
            await self._in_time("shutdown", lambda: self._ended or self._idle)
        finally:
            await self.cancel()
        self._raise_failure("lifespan.shutdown.failed")

    async def _in_time(self, what: str, ready: Callable[[], bool]) -> None:
        __tracebackhide__ = True
        try:
            async with asyncio.timeout(self._timeout):
                await self._changed.wait_for(ready)
        except TimeoutError:
            raise LifespanError(
                f"{self._name} has not finished its {what} after {self._timeout} s.",
                why=f"It waits here:\n{tasks.stack_of(self._task)}".rstrip(),
                hints=("if it may take longer, set the lifespan's timeout",),
            ) from None

    def context_for_requests(self) -> contextvars.Context:
        """Return a copy of the current context with the variables that the start-up has set."""
        context = contextvars.copy_context()
        for variable, value in self.context.items():
            if self._before.get(variable, _UNSET) is not value:
                context.run(variable.set, value)
        return context

    async def cancel(self) -> None:
        """End the task, if it has not ended by itself, and wait for its end."""
        __tracebackhide__ = True
        if not self._ended:
            self._cancellation.cancel()
        await self._cancellation.wait_uncancelled()
        retrieve_error(self._task)

    def _raise_failure(self, kind: str) -> None:
        __tracebackhide__ = True
        error = self._error
        if self.joined <= 1:
            self._error = None  # nobody else waits for it; kept, it would be a cycle
        try:
            if error is not None:
                raise error
        finally:
            del error
        if self._failed is not None:
            raise LifespanError(
                f"{self._name} sent {kind}: {self._failed or 'no message'}",
                why="The application caught the error itself and said only this.",
                hints=("let the error leave the lifespan: a test then shows its traceback",),
            )
        if self._cancellation.stuck_at is not None:
            raise LifespanError(
                f"{self._name} could not be ended.",
                why=f"It was asked to end; {self._cancellation.note()}".rstrip(),
                hints=("where it catches CancelledError, or everything: raise it again",),
            )


def _knows_lifespans(app: Any) -> bool:
    """Whether it is Starlette's, behind whatever middleware: what is raised there is no ignorance of the protocol."""
    while app is not None and not hasattr(app, "router"):
        app = getattr(app, "app", None)
    return hasattr(getattr(app, "router", None), "lifespan_context")
