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
import contextvars
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import httpx2

from hermetic.client._app_task import AppTask, expect
from hermetic.client._asgi import ASGI3App, Message, Scope, header_pairs
from hermetic.client._cancellation import Cancellation
from hermetic.client._request_body import body_of
from hermetic.owners import Owner

PATH_CHUNK = 64 * 1024


class _Chunk:
    """A piece of body on its way; an object of its own, so that its sender knows it from the next one."""

    __slots__ = ("data", "taken")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.taken = False


class HTTPTask(AppTask):
    """Run an application for one request.

    Args:
        app: The application.
        scope: The request's scope.
        request: The request, for its body and its timeout.
        owner: Who what the application opens meanwhile belongs to.
        context: The context it runs in; by default a copy of the test's.
        raise_errors: Whether the application's exceptions reach the test.
        detach: Whether the test goes on when the response is complete, before the application has ended.
        on_close: Called once, when it is over.

    Attributes:
        start: The ``http.response.start`` message, once it was sent.
        extensions: What the application sent by the ASGI extensions, under their names.
    """

    def __init__(
        self,
        app: ASGI3App,
        scope: Scope,
        request: httpx2.Request,
        *,
        owner: Owner,
        context: contextvars.Context | None,
        raise_errors: bool,
        detach: bool,
        on_close: Callable[[HTTPTask], None],
    ) -> None:
        super().__init__(
            app, scope, request, owner=owner, context=context, raise_errors=raise_errors, on_close=on_close
        )
        self.start: Message | None = None
        self.extensions: dict[str, Any] = {}
        self._detach = detach
        self._request_body = body_of(request.stream, self._changed.notify_all, contextvars.copy_context)
        self._chunk: _Chunk | None = None
        self._trailers: list[tuple[bytes, bytes]] | None = None
        self._body_sent = False
        self._complete = False

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
            await self._changed.wait_for(
                lambda: self._disconnected or self._request_body.ready or self._request_body.exhausted
            )
            if self._request_body.ready and not self._disconnected:
                if (message := self._request_body.take()) is not None:
                    return message
                self._changed.notify_all()
        await self._changed.wait_for(lambda: self._disconnected or self._complete)
        self._disconnect_received = self._disconnected
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
            self.extensions[kind] = message["info"]
        elif kind == "http.response.early_hint":
            self.extensions.setdefault(kind, []).extend(bytes(link) for link in message["links"])
        elif kind == "http.response.pathsend":
            await self._on_path(message["path"])

    def _on_start(self, message: Message) -> None:
        __tracebackhide__ = True
        expect(self.start is None, 'Received multiple "http.response.start" messages.')
        self.start = {"status": message["status"], "headers": header_pairs(message)}
        if message.get("trailers", False):
            self._trailers = self.extensions["http.response.trailers"] = []
        self._changed.notify_all()

    async def _on_body(self, message: Message) -> None:
        __tracebackhide__ = True
        expect(self.start is not None, 'Received "http.response.body" without "http.response.start".')
        expect(not self._complete, 'Received "http.response.body" after response completed.')
        expect(not self._body_sent, 'Received "http.response.body" after body completed.')
        data = b"" if self.request.method == "HEAD" else bytes(message.get("body", b""))
        final = not message.get("more_body", False)
        self._body_sent = final
        await self._on_chunk(data)
        if final and self._trailers is None:
            self._finish()

    async def _on_path(self, path: str) -> None:
        __tracebackhide__ = True
        with open(path, "rb") as file:
            while chunk := file.read(PATH_CHUNK):
                await self._on_body({"body": chunk, "more_body": True})
        await self._on_body({})

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
        self._changed.notify_all()

    async def _on_chunk(self, data: bytes) -> None:
        __tracebackhide__ = True
        if self._disconnected:
            self._pushed = True
            await asyncio.sleep(0)  # else an application that sends for ever would stop the loop
            return
        await self._changed.wait_for(lambda: self._chunk is None or self._disconnected)
        chunk = _Chunk(data)
        self._chunk = chunk
        self._changed.notify_all()
        try:
            await self._changed.wait_for(lambda: chunk.taken or self._disconnected)
        finally:
            if self._chunk is chunk:
                self._chunk = None

    # The test's side.

    @property
    def detached(self) -> bool:
        """Whether the test has its response and did not wait for the application's end."""
        return self._detach and self._complete and self._chunk is None

    async def wait_for_start(self) -> None:
        """Return when the response has started, or when the application has ended without one."""
        __tracebackhide__ = True
        await self._wait(lambda: self.start is not None)

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
        self._detach = False
        await self.close()

    async def _wait(self, ready: Callable[[], bool]) -> None:
        __tracebackhide__ = True
        wait = self._changed.wait_for(lambda: ready() or self._ended or self._request_body.error is not None)
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
            self._changed.notify_all()

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
        error = self._error if self._raise_errors else None
        if self._disconnected and type(error).__name__ == "ClientDisconnect":
            error = None  # how Starlette says to a handler what we said to it
        error, self._request_body.error = self._request_body.error or error, None
        self._raise(error)
        self._raise_if_stuck()


class BufferedHTTPTask(HTTPTask):
    """Run an application for one request, up to its end, and keep what it sends.

    Almost all responses are wanted whole: ``client.get(...)``, not ``client.stream(...)``. The test cannot do anything
    between the chunks, so the application need not wait for it. That spares a turn of the loop for each chunk, and
    httpx2's generators.
    """

    _chunks: list[bytes]

    async def read_body(self) -> bytes | None:
        """Return the body, as it was sent, when the application has ended; None when no response was started.

        Raises:
            BaseException: What the application raised, or the iterator of the request's body.
        """
        __tracebackhide__ = True
        if self._ended:  # pragma: no cover - from Python 3.12 on, where the application may end at once
            await asyncio.sleep(0)  # others get their turn, whoever asks again and again
        else:
            await self._wait(lambda: False)
        self._closed = True  # it has ended, so there is nothing to wait for in ``close``
        self._on_close(self)
        if self._error is not None:
            self._raise_error()
        return None if self.start is None else b"".join(self._chunks)

    def _start(self, run: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        self._chunks = []  # here, not in an __init__ of its own: each request comes by
        if sys.version_info >= (3, 12) and not self.loop.get_task_factory():  # pragma: no cover - not on 3.11
            return asyncio.Task(run, loop=self.loop, name=name, context=self._context, eager_start=True)
        return super()._start(run, name)

    async def _on_chunk(self, data: bytes) -> None:
        __tracebackhide__ = True
        if not self._disconnected:
            self._chunks.append(data)
        if not self._body_sent:
            await asyncio.sleep(0)  # else an application that sends for ever would stop the loop
