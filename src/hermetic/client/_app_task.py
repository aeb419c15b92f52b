"""An application's task for one scope, and how it ends.

Both sides live in one loop: the application's task and the test's. The messages differ between HTTP and
websockets; that the task belongs to an owner, how its error reaches the test and how it ends do not:

* the test goes on when the application has ended, so its connections are given back and its tasks are done;
* after a disconnect, the application gets a second to end by itself, as long as it is unwinding or at work; one
  that has not received it and only sleeps, or sends what nobody takes, gets a fifth of that; then it is cancelled;
* where the test was cancelled, or its time is up, an application that has not received it gets a few turns of the loop;
* there is no task group: whoever begins it and whoever ends it may be different tasks.
"""

from __future__ import annotations

import asyncio
import contextvars
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from functools import cached_property
from typing import Any, Self

import httpx2

from hermetic import tasks
from hermetic.calls import told_of
from hermetic.client._asgi import ASGI3App, Message, Scope
from hermetic.client._cancellation import TICK, Cancellation, own_error
from hermetic.client._httpx2 import HeaderItems
from hermetic.client._request import NO_TIMEOUT, ClientOptions
from hermetic.errors import EventLoopError
from hermetic.owners import Owner, become

# Starlette's BaseHTTPMiddleware and a streaming response inside it need nine turns to end after a disconnect.
TURNS_AFTER_DISCONNECT = 20
# Counted in ticks, not by the clock: while the loop is busy the application cannot go on, and no tick passes.
TICKS_TO_END = 100
TICKS_WHEN_IDLE = 20


class Condition:
    """Tells waiting tasks of one loop that a state has changed.

    ``asyncio.Condition`` needs a lock around each change, ``asyncio.Event`` one object for each state. Here several
    tasks (the test's, the application's, its children) look at a handful of plain attributes, all in one loop, so a
    wait is a predicate, tried again after each change. A wait whose answer is there already does not give up its
    turn: Starlette asks ``receive()`` inside a cancelled scope, where giving up the turn would raise.
    """

    _waiters: tuple[asyncio.Future[None], ...] = ()

    def notify_all(self) -> None:
        """Let every waiting task look again."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_for(self, ready: Callable[[], bool]) -> None:
        """Return once ``ready()`` is true: at once, without a turn of the loop, when it already is."""
        __tracebackhide__ = True
        while not ready():
            waiter = asyncio.get_running_loop().create_future()
            self._waiters += (waiter,)
            try:
                await waiter
            finally:
                self._waiters = tuple([each for each in self._waiters if each is not waiter])


class AppTask(Condition, ABC):
    """Run an application for one scope, from ``begin`` on.

    Args:
        app: The application.
        scope: What it is called with.
        request: The request that began it; its timeout counts for each wait.
        owner: Who what the application opens meanwhile belongs to.
        context: The context it runs in; by default a copy of the test's.
        options: How the client calls its application.
        on_close: Called once, when it is over.

    Attributes:
        loop: The loop it runs in.
        request: The request that began it.
        scope: What the application is called with.
    """

    # What a usual request leaves as it is stands here: its object is made faster.
    _disconnected = _disconnect_received = _interrupted = _pushed = _ended = _closed = False
    _error: BaseException | None = None
    _timer: asyncio.TimerHandle | None = None
    _task: asyncio.Task[None]

    def __init__(
        self,
        app: ASGI3App,
        scope: Scope,
        request: httpx2.Request,
        owner: Owner,
        context: contextvars.Context | None,
        options: ClientOptions,
        on_close: Callable[[Any], None],
    ) -> None:
        self.loop = running_loop()
        self.request = request
        self._app = app
        self.scope = scope
        self._owner = owner
        self._context = context
        self._options = options
        self._on_close = on_close

    @cached_property
    def read_timeout(self) -> float | None:
        """Seconds that the test waits for the application each time; None for ever."""
        seconds: float | None = self.request.extensions.get("timeout", NO_TIMEOUT).get("read")
        return seconds

    def begin(self) -> Self:
        """Start the application; return this."""
        name = f"{tasks.OURS}{self._owner.name}"
        self._task = self.loop.create_task(self._run(), name=name, context=self._context)
        return self

    async def _run(self) -> None:
        __tracebackhide__ = True
        try:
            become(self._owner)
            await told_of(self._app, self.scope)(self.scope, self.receive, self.send)
        except BaseException as error:
            self._error = own_error(error, vars(self).get("_cancellation"))
            if self.loop.is_closed():
                return  # it is collected after its loop: nobody is left to be told
        self._ended = True
        self._on_end()
        if self._waiters:
            self.notify_all()

    @abstractmethod
    async def receive(self) -> Message:
        """Give the application its next message."""

    @abstractmethod
    async def send(self, message: Message) -> None:
        """Take a message of the application."""

    def _on_end(self) -> None:
        """Called when the application has ended."""
        return

    def _on_disconnect(self) -> None:
        """Called when the client has disconnected."""
        return

    def _may_go_on(self) -> bool:
        """Whether the application may take its time to end after a disconnect."""
        return self._ended

    def stack(self) -> str:
        """Return the stack where the application waits."""
        return tasks.stack_of(self._task)

    async def _within(self, seconds: float | None, wait: Coroutine[Any, Any, None]) -> None:
        __tracebackhide__ = True
        if seconds is None:
            return await wait
        try:
            async with asyncio.timeout(seconds):
                await wait
        except TimeoutError:
            raise httpx2.ReadTimeout(self.hung(seconds), request=self.request) from None

    def hung(self, seconds: float) -> str:
        """Say that the application sent nothing for so long, and where it waits."""
        return f"{self._owner.name}: the application sent nothing for {seconds} s; it waits here:\n{self.stack()}"

    @cached_property
    def _cancellation(self) -> Cancellation:
        return Cancellation(self._task)

    async def _disconnect(self) -> None:
        __tracebackhide__ = True
        self._disconnected = True
        self._on_disconnect()
        self.notify_all()
        self._cancel_later(TURNS_AFTER_DISCONNECT)
        try:
            await self._wait_uncancelled()
        finally:
            if self._timer is not None:
                self._timer.cancel()

    async def _disconnect_interrupted(self, interruption: BaseException) -> None:
        """Disconnect because the test has an error, which gets a note where the application is ended by force."""
        __tracebackhide__ = True
        self._interrupted = True
        try:
            await self._disconnect()
        finally:
            self._error = None  # the test has an error already: this one
            if self._cancellation.stuck_at is not None:
                interruption.add_note(f"hermetic: {self._owner.name}: {self._cancellation.note()}")

    def _cancel_later(self, turns: int) -> None:
        if self._may_go_on():
            return
        if turns:
            self.loop.call_soon(self._cancel_later, turns - 1)
        elif self._interrupted and not self._disconnect_received:
            self._cancellation.cancel()
        else:
            self._tick(TICKS_TO_END, TICKS_WHEN_IDLE)

    def _tick(self, ticks: int, idle_ticks: int) -> None:
        if self._may_go_on():
            return
        idle_ticks = TICKS_WHEN_IDLE if self._disconnect_received or not self._is_idle() else idle_ticks - 1
        if ticks and idle_ticks:
            self._timer = self.loop.call_later(TICK, self._tick, ticks - 1, idle_ticks)
        else:
            self._cancellation.cancel()

    def _is_idle(self) -> bool:
        pushed, self._pushed = self._pushed, False
        return pushed or tasks.is_idle(self._task)

    async def _wait_uncancelled(self) -> None:
        __tracebackhide__ = True
        if not self._task.done():
            await self._cancellation.wait_uncancelled()

    def _raise(self, error: BaseException | None) -> None:
        """Raise an error once: what was raised is not raised again."""
        __tracebackhide__ = True
        self._error = None
        try:
            if error is not None:
                raise error
        finally:
            del error  # the traceback holds this frame; a cycle would keep the application's sessions alive

    def _raise_if_stuck(self) -> None:
        """Raise that the application had to be ended by force.

        Raises:
            httpx2.ReadTimeout: It had; the message has the stack where it waited.
        """
        __tracebackhide__ = True
        end = vars(self).get("_cancellation")
        if end is not None and end.stuck_at is not None:
            raise httpx2.ReadTimeout(f"{self._owner.name}: {end.note()}", request=self.request)


def header_pairs(message: Message) -> list[tuple[bytes, bytes]]:
    """Return copies of the headers of a message; text, which the specification forbids, is taken as latin-1."""
    return [(name, value) for name, _, value in header_items(message)]


def header_items(message: Message) -> HeaderItems:
    """Return the same, with each name in lower case as well."""
    items = []
    for name, value in message.get("headers") or ():
        raw = name if type(name) is bytes else _raw(name)
        items.append((raw, raw.lower(), value if type(value) is bytes else _raw(value)))
    return items


def _raw(part: str | bytes) -> bytes:
    return part.encode("latin-1") if isinstance(part, str) else bytes(part)


def expect(condition: bool, message: str) -> None:
    """Hold the application to the protocol, in the words of Starlette's ``TestClient``."""
    __tracebackhide__ = True
    if not condition:
        raise AssertionError(message)


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running asyncio loop.

    Raises:
        ConfigurationError: No asyncio loop runs here.
    """
    __tracebackhide__ = True
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise EventLoopError(
            "AsyncTestClient was awaited where no asyncio event loop runs",
            why="It runs the application in the test's own loop: asyncio's or uvloop's, not trio's.",
            hints=(
                "under anyio's pytest plugin, let the fixture `anyio_backend` return 'asyncio'",
                "elsewhere, await it inside asyncio.run(...) or in a test that pytest-asyncio runs",
            ),
        ) from None
