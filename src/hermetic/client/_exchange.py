"""One request and its response: the application's task on one side, the test's on the other.

Nothing is buffered. A chunk that the application sends waits until the test has taken it, so that an endless
response costs nothing and a step of the test is a step of the application. How a response ends:

* read to its end: the test waits for the application, so background tasks are done, and their error is raised;
* left before its end: the application is told ``http.disconnect``, as a server would, and what it sends goes nowhere.
  It gets a few turns of the loop, or a second if it has heard, to end by itself; then it is cancelled;
* the test is cancelled while it waits: the same, and the test goes on when the application has ended.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any

import httpx2

from hermetic.client import _stack
from hermetic.client._asgi import ASGI3App, Message, Scope
from hermetic.client._upload import upload_of
from hermetic.client._waiting import Signal, outlast
from hermetic.owners import Owner, owned_by

# Starlette's BaseHTTPMiddleware and a streaming response inside it need nine turns to end after a disconnect.
TURNS_AFTER_DISCONNECT = 20
SECONDS_AFTER_HEARING = 1.0


class _Chunk:
    """A piece of body on its way; an object of its own, so that its sender knows it from the next one."""

    __slots__ = ("data", "taken")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.taken = False


class Exchange:
    """Run an application for one request.

    Args:
        app: The application.
        scope: The request's scope.
        request: The request, for its body and its timeout.
        owner: Who what the application opens meanwhile belongs to.
        raise_errors: Whether the application's exceptions reach the test.
        on_close: Called once, when the exchange is over.

    Attributes:
        start: The ``http.response.start`` message, once it was sent.
        debug: The ``http.response.debug`` information, once it was sent.
        trailers: The trailers sent so far, None when none were announced.
        loop: The loop it runs in.
    """

    def __init__(
        self,
        app: ASGI3App,
        scope: Scope,
        request: httpx2.Request,
        *,
        owner: Owner,
        raise_errors: bool,
        on_close: Callable[[Exchange], None],
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.start: Message | None = None
        self.debug: dict[str, Any] | None = None
        self.trailers: list[tuple[bytes, bytes]] | None = None
        self._app = app
        self._scope = scope
        self._request = request
        self._owner = owner
        self._raise_errors = raise_errors
        self._on_close = on_close
        self._read_timeout: float | None = request.extensions.get("timeout", {}).get("read")
        self._signal = Signal(self.loop)
        self._upload = upload_of(request.stream, self._signal.fire, contextvars.copy_context())
        self._chunk: _Chunk | None = None
        self._body_sent = False
        self._complete = False
        self._left = False
        self._heard = False
        self._interrupted = False
        self._cancelled = False
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task = asyncio.create_task(self._run(), name=f"hermetic {owner.name}")

    # The application's side.

    async def _run(self) -> None:
        __tracebackhide__ = True
        try:
            with owned_by(self._owner):
                await self._app(self._scope, self.receive, self.send)
        except BaseException as error:
            if not (self._cancelled and isinstance(error, asyncio.CancelledError)):
                self._error = error
        self._ended = True
        self._upload.cancel()
        self._signal.fire()

    async def receive(self) -> Message:
        """Give the application the next message: the body, then ``http.disconnect`` when the response is over."""
        __tracebackhide__ = True
        if not self._upload.exhausted and not self._left:
            self._upload.begin()
            await self._signal.until(lambda: self._left or self._upload.ready or self._upload.exhausted)
            if self._upload.ready and not self._left:
                if (message := self._upload.take()) is not None:
                    return message
                self._signal.fire()
        await self._signal.until(lambda: self._left or self._complete)
        self._heard = self._left
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take a message of the application; a chunk of body is taken when the test takes it."""
        __tracebackhide__ = True
        kind = message["type"]
        if kind == "http.response.start":
            self._on_start(message)
        elif kind == "http.response.body":
            await self._on_body(message)
        elif kind == "http.response.trailers":
            self._on_trailers(message)
        elif kind == "http.response.debug":
            self.debug = message["info"]

    def _on_start(self, message: Message) -> None:
        __tracebackhide__ = True
        _expect(self.start is None, 'Received multiple "http.response.start" messages.')
        headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", [])]
        self.start = {"status": message["status"], "headers": headers}
        if message.get("trailers", False):
            self.trailers = []
        self._signal.fire()

    async def _on_body(self, message: Message) -> None:
        __tracebackhide__ = True
        _expect(self.start is not None, 'Received "http.response.body" without "http.response.start".')
        _expect(not self._complete, 'Received "http.response.body" after response completed.')
        _expect(not self._body_sent, 'Received "http.response.body" after body completed.')
        data = bytes(message.get("body", b""))
        final = not message.get("more_body", False)
        self._body_sent = final
        await self._hand_over(data)
        if final and self.trailers is None:
            self._finish()

    def _on_trailers(self, message: Message) -> None:
        __tracebackhide__ = True
        _expect(self.trailers is not None, 'Received "http.response.trailers" without declaring trailers.')
        _expect(self._body_sent, 'Received "http.response.trailers" before body completed.')
        _expect(not self._complete, 'Received "http.response.trailers" after response completed.')
        assert self.trailers is not None
        self.trailers.extend((bytes(name), bytes(value)) for name, value in message.get("headers", []))
        if not message.get("more_trailers", False):
            self._finish()

    def _finish(self) -> None:
        self._complete = True
        self._signal.fire()

    async def _hand_over(self, data: bytes) -> None:
        __tracebackhide__ = True
        if self._left or not data or self._request.method == "HEAD":
            await asyncio.sleep(0)  # else an application that sends for ever would stop the loop
            return
        await self._signal.until(lambda: self._chunk is None or self._left)
        chunk = _Chunk(data)
        self._chunk = chunk
        self._signal.fire()
        try:
            await self._signal.until(lambda: chunk.taken or self._left)
        finally:
            if self._chunk is chunk:
                self._chunk = None

    # The test's side.

    async def wait_for_start(self) -> None:
        """Return when the response has started, or when the application has ended without one."""
        __tracebackhide__ = True
        await self._wait(lambda: self.start is not None)

    async def next_chunk(self) -> bytes:
        """Return the next piece of body.

        Raises:
            StopAsyncIteration: There is none, and the application has ended.
        """
        __tracebackhide__ = True
        await self._wait(lambda: self._chunk is not None)
        chunk = self._chunk
        if chunk is None:
            self._raise_error()
            raise StopAsyncIteration
        self._release()
        return chunk.data

    async def close(self) -> None:
        """End the exchange: wait for an application that has sent everything, take leave of one that has not.

        Raises:
            BaseException: What the application raised, or the iterator of the request's body.
        """
        __tracebackhide__ = True
        if self._closed:
            return
        self._closed = True
        try:
            finished = self._ended or (self._body_sent and self._upload.error is None)
            await (self._outlast() if finished else self._leave())
        finally:
            self._on_close(self)
        self._raise_error()

    async def _wait(self, ready: Callable[[], bool]) -> None:
        __tracebackhide__ = True
        settled = self._signal.until(lambda: ready() or self._ended or self._upload.error is not None)
        try:
            await self._within_timeout(settled)
        except (asyncio.CancelledError, httpx2.ReadTimeout):
            self._interrupted = True
            try:
                await self._leave()
            finally:
                self._error = None  # the test has an error already: this one
            raise
        if self._upload.error is not None:
            await self.close()

    async def _within_timeout(self, wait: Coroutine[Any, Any, None]) -> None:
        __tracebackhide__ = True
        if self._read_timeout is None:
            return await wait
        try:
            async with asyncio.timeout(self._read_timeout):
                await wait
        except TimeoutError:
            raise httpx2.ReadTimeout(
                f"{self._owner.name}: the application sent nothing for {self._read_timeout} s; it waits here:\n"
                f"{_stack.of_task(self._task)}",
                request=self._request,
            ) from None

    def _release(self) -> None:
        if self._chunk is not None:
            self._chunk.taken = True
            self._chunk = None
            self._signal.fire()

    async def _leave(self) -> None:
        __tracebackhide__ = True
        self._left = True
        self._release()
        self._signal.fire()
        self._cancel_later(TURNS_AFTER_DISCONNECT)
        try:
            await self._outlast()
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _cancel_later(self, turns: int) -> None:
        if self._ended or (self._complete and not self._interrupted):
            return
        if turns:
            self.loop.call_soon(self._cancel_later, turns - 1)
        elif self._heard:
            self._heard = False
            self._timer = self.loop.call_later(SECONDS_AFTER_HEARING, self._cancel_later, 0)
        else:
            self._cancel()

    def _cancel(self) -> None:
        self._cancelled = True
        self._task.cancel()

    async def _outlast(self) -> None:
        __tracebackhide__ = True
        self._release()
        try:
            await outlast(self._task, self._cancel)
        finally:
            if (producer := self._upload.cancel()) is not None:
                await outlast(producer, producer.cancel)

    def _raise_error(self) -> None:
        __tracebackhide__ = True
        error = self._error if self._raise_errors else None
        if self._left and type(error).__name__ == "ClientDisconnect":
            error = None  # how Starlette says to a handler what we said to it
        error = self._upload.error or error
        self._error = self._upload.error = None
        try:
            if error is not None:
                raise error
        finally:
            del error  # the traceback holds this frame; a cycle would keep the application's sessions alive


def _expect(condition: bool, message: str) -> None:
    """Hold the application to the protocol, in the words of Starlette's ``TestClient``."""
    __tracebackhide__ = True
    if not condition:
        raise AssertionError(message)
