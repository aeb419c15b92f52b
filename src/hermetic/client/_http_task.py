"""One request and its response: the application's task on one side, the test's on the other.

Nothing is buffered, unless the response is wanted whole. A chunk that the application sends waits until the test has
taken it, so that an endless response costs nothing and a step of the test is a step of the application. How a response
ends:

* read to its end: the test waits for the application, so background tasks are done, and their error is raised; with
  ``background="detach"`` it goes on at once, and ``drain`` waits;
* closed before its end: the application gets ``http.disconnect``, as a server would, and what it sends goes nowhere;
* the test is cancelled while it waits: the same, and the test goes on when the application has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import Any, NoReturn, Self

import httpx2

from hermetic import tasks
from hermetic.client._app_task import AppTask, expect, header_items, header_pairs
from hermetic.client._asgi import Message
from hermetic.client._cancellation import Cancellation
from hermetic.client._httpx2 import HeaderItems
from hermetic.client._request_body import RequestBody, body_of

PATH_CHUNK = 64 * 1024


class _Chunk:
    """A piece of body on its way; an object of its own, so that its sender knows it from the next one."""

    __slots__ = ("data", "taken")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.taken = False


class HTTPTask(AppTask):
    """Run an application for one request; the arguments are those of ``AppTask``.

    Attributes:
        status: The status of the response, once that has started.
        headers: The headers of the response.
        extensions: What the application sent by the ASGI extensions, under their names.
    """

    status: int | None = None
    headers: HeaderItems = ()
    extensions: Mapping[str, Any] = {}
    _chunk: _Chunk | None = None
    _trailers: list[tuple[bytes, bytes]] | None = None
    _body_sent = _complete = _finishing = False

    def begin(self) -> Self:
        """Start the application; return this."""
        self._request_body  # noqa: B018 - it is made here, in the test's context
        return super().begin()

    @cached_property
    def _request_body(self) -> RequestBody:
        return body_of(self.request.stream, self.notify_all)

    # The application's side.

    def _on_end(self) -> None:
        self._request_body.cancel()
        if self.detached and self._error is None:
            self._on_close(self)

    async def receive(self) -> Message:
        """Give the application the next message: the body, then ``http.disconnect`` when the response is over."""
        __tracebackhide__ = True
        if not self._request_body.exhausted and not self._disconnected:
            self._request_body.begin()
            await self.wait_for(
                lambda: self._disconnected or self._request_body.ready or self._request_body.exhausted
            )
            if self._request_body.ready and not self._disconnected:
                if (message := self._request_body.take()) is not None:
                    return message
                self.notify_all()
        await self.wait_for(lambda: self._disconnected or self._complete)
        self._disconnect_received = self._disconnected
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take a message of the application; a chunk of body is taken when the test takes it."""
        __tracebackhide__ = True
        kind = message["type"]
        if kind == "http.response.start":
            self._on_start(message)
        elif kind == "http.response.body":
            if self.status is None or self._body_sent:
                self._refuse_body()
            self._body_sent = not message.get("more_body", False)
            data = b"" if self.request.method == "HEAD" else bytes(message.get("body", b""))
            if (taken := self._on_chunk(data)) is not None:
                await taken
            if self._body_sent and self._trailers is None:
                self._finish()
        elif kind == "http.response.trailers":
            self._on_trailers(message)
        elif kind == "http.response.debug":
            self._extend(kind, message["info"])
        elif kind == "http.response.early_hint":
            self._extend(kind, [*self.extensions.get(kind, []), *map(bytes, message["links"])])
        elif kind == "http.response.pathsend":
            await self._on_path(message["path"])

    def _on_start(self, message: Message) -> None:
        __tracebackhide__ = True
        if self.status is not None:
            raise AssertionError('Received multiple "http.response.start" messages.')
        self.status, self.headers = message["status"], header_items(message)
        if message.get("trailers", False):
            self._trailers = []
            self._extend("http.response.trailers", self._trailers)
        if self._waiters:
            self.notify_all()

    def _extend(self, name: str, value: Any) -> None:
        self.extensions = {**self.extensions, name: value}

    def _refuse_body(self) -> NoReturn:
        __tracebackhide__ = True
        if self.status is None:
            raise AssertionError('Received "http.response.body" without "http.response.start".')
        what = "response" if self._complete else "body"
        raise AssertionError(f'Received "http.response.body" after {what} completed.')

    async def _on_path(self, path: str) -> None:
        __tracebackhide__ = True
        with open(path, "rb") as file:
            while chunk := file.read(PATH_CHUNK):
                await self.send({"type": "http.response.body", "body": chunk, "more_body": True})
        await self.send({"type": "http.response.body"})

    def _on_trailers(self, message: Message) -> None:
        __tracebackhide__ = True
        expect(self._trailers is not None, 'Received "http.response.trailers" without declaring trailers.')
        expect(self._body_sent, 'Received "http.response.trailers" before body completed.')
        expect(not self._complete, 'Received "http.response.trailers" after response completed.')
        assert self._trailers is not None
        self._trailers.extend(header_pairs(message))
        if not message.get("more_trailers", False):
            self._finish()

    def _finish(self) -> None:
        self._complete = True
        if self._waiters:
            self.notify_all()

    def _on_chunk(self, data: bytes) -> Awaitable[None] | None:
        """Called with each chunk of body; return what its sender waits for."""
        return self._hand_over(data)

    async def _hand_over(self, data: bytes) -> None:
        __tracebackhide__ = True
        if self._disconnected:
            self._pushed = True
            await asyncio.sleep(0)  # else an application that sends for ever would stop the loop
            return
        await self.wait_for(lambda: self._chunk is None or self._disconnected)
        chunk = _Chunk(data)
        self._chunk = chunk
        self.notify_all()
        try:
            await self.wait_for(lambda: chunk.taken or self._disconnected)
        finally:
            if self._chunk is chunk:
                self._chunk = None

    # The test's side.

    @property
    def detached(self) -> bool:
        """Whether the test has its response and did not wait for the application's end."""
        return (
            self._complete
            and self._chunk is None
            and self._options.background == "detach"
            and not self._finishing
        )

    async def wait_for_start(self) -> None:
        """Return when the response has started, or when the application has ended without one."""
        __tracebackhide__ = True
        await self._wait(lambda: self.status is not None)

    async def next_chunk(self) -> bytes:
        """Return the next piece of body.

        Raises:
            StopAsyncIteration: There is none, and the application has ended (or goes on by itself).
        """
        __tracebackhide__ = True
        while True:
            await self._wait(lambda: self._chunk is not None or self.detached)
            chunk = self._chunk
            if chunk is None:
                break
            self._take_chunk()
            if chunk.data:
                return chunk.data
        if not self.detached:
            self._raise_error()
        raise StopAsyncIteration

    async def close(self) -> None:
        """Close it: wait for an application that has sent everything, disconnect from one that has not.

        Raises:
            BaseException: What the application raised, or the iterator of the request's body.
        """
        __tracebackhide__ = True
        if self._closed or self.detached:
            return
        self._closed = True
        try:
            await (self._wait_uncancelled() if self._may_finish() else self._disconnect())
        finally:
            self._on_close(self)
        self._raise_error()

    def _may_finish(self) -> bool:
        sent = self._body_sent and (self._trailers is None or self._complete)
        return self._ended or (sent and self._request_body.error is None and not self._interrupted)

    def abandon(self) -> None:
        """Have ``finish`` disconnect even from an application that has sent everything: its test forgot it."""
        self._interrupted = True

    async def finish(self) -> None:
        """Close it, and wait for an application that goes on after its response as well.

        Raises:
            BaseException: As of ``close``.
        """
        __tracebackhide__ = True
        self._finishing = True
        await self.close()

    async def _wait(self, ready: Callable[[], bool]) -> None:
        __tracebackhide__ = True
        wait = self.wait_for(lambda: ready() or self._ended or self._request_body.error is not None)
        try:
            await (wait if self.read_timeout is None else self._within(self.read_timeout, wait))
        except (asyncio.CancelledError, httpx2.ReadTimeout) as interruption:
            try:
                await self._disconnect_interrupted(interruption)
            finally:
                self._closed = True
                self._on_close(self)
            raise
        if self._request_body.error is not None:
            await self.close()

    def _take_chunk(self) -> None:
        if self._chunk is not None:
            self._chunk.taken = True
            self._chunk = None
            self.notify_all()

    def _on_disconnect(self) -> None:
        self._take_chunk()

    def _may_go_on(self) -> bool:
        return self._ended or (self._complete and not self._interrupted)

    async def _wait_uncancelled(self) -> None:
        __tracebackhide__ = True
        self._take_chunk()
        try:
            await super()._wait_uncancelled()
        finally:
            if (producer := self._request_body.cancel()) is not None:
                await Cancellation(producer).wait_uncancelled()

    def _raise_error(self) -> None:
        __tracebackhide__ = True
        error = self._error if self._options.raise_errors else None
        if self._disconnected and type(error).__name__ == "ClientDisconnect":
            error = None  # how Starlette says to a handler what we said to it
        error, self._request_body.error = self._request_body.error or error, None
        self._raise(error)
        self._raise_if_stuck()


class BufferedHTTPTask(HTTPTask):
    """Run an application for one request, up to its end, and keep what it sends.

    Almost all responses are wanted whole: ``client.get(...)``, not ``client.stream(...)``. The test cannot do anything
    between the chunks, so the application need not wait for it. That spares a turn of the loop for each chunk, and
    httpx2's generators. The request's body is complete, and has no time limit.
    """

    _over: asyncio.Future[None] | None = None

    def begin(self) -> Self:
        """Start the application, without a turn of the loop; return this."""
        self._chunks: list[bytes] = []
        if self.loop.get_task_factory() is not None:
            return super().begin()
        name = f"{tasks.OURS}{self._owner.name}"
        self._task = tasks.begun(self._run(), self.loop, name, self._context)
        return self

    async def read_body(self) -> bytes | None:
        """Return the body, as it was sent, when the application has ended; None when no response was started.

        Raises:
            BaseException: What the application raised.
        """
        __tracebackhide__ = True
        try:
            if not self._ended:
                self._over = self.loop.create_future()
                await self._over
            elif tasks.owes_a_turn(self.loop):
                await asyncio.sleep(0)
        except asyncio.CancelledError as interruption:
            await self._disconnect_interrupted(interruption)
            raise
        finally:
            self._closed = True  # it has ended, so there is nothing to wait for in ``close``
            self._on_close(self)
        if self._error is not None:
            self._raise_error()
        return None if self.status is None else b"".join(self._chunks)

    def _on_end(self) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def _on_chunk(self, data: bytes) -> Awaitable[None] | None:
        if not self._disconnected:
            self._chunks.append(data)
        # Else an application that sends for ever would stop the loop.
        return None if self._body_sent else asyncio.sleep(0)
