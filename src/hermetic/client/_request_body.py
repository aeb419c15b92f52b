"""The body of a request on its way to the application: complete, from a plain iterator, or from an async one.

An async iterator is driven by a task of its own, in the test's context. Driven inside ``receive()`` it would die with
it: Starlette cancels a pending ``receive()`` as a matter of course, and two at once are usual. Nothing is buffered: the
next chunk is asked for when the application has taken the last.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Protocol
from weakref import WeakMethod

import httpx2

from hermetic.client._asgi import Message


class RequestBody(Protocol):
    """A request's body.

    Attributes:
        error: What the test's own iterator raised.
        exhausted: Whether the application has taken everything.
    """

    error: BaseException | None
    exhausted: bool

    @property
    def ready(self) -> bool:
        """Whether ``take`` has something to give now."""

    def begin(self) -> None:
        """Called each time before the application waits for the body."""

    def take(self) -> Message | None:
        """Return the next ``http.request`` message, None when the iterator failed."""

    def cancel(self) -> asyncio.Task[None] | None:
        """Stop producing; return the task that does so, to be waited for."""


class SyncAndAsyncStream(httpx2.AsyncByteStream, httpx2.SyncByteStream):
    """A synchronous request body that an async client accepts as well, as ``TestClient`` accepts generators.

    Args:
        stream: The body as httpx2 made it.
    """

    def __init__(self, stream: httpx2.SyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._stream:
            yield chunk


def body_of(
    stream: httpx2.SyncByteStream | httpx2.AsyncByteStream, changed: Callable[[], None]
) -> RequestBody:
    """Choose how a request's body reaches the application.

    Args:
        stream: The body.
        changed: Called when the body's attributes changed by themselves; a method of whoever has the body, held weakly.
    """
    if isinstance(stream, httpx2.ByteStream):
        return _BytesBody(stream)
    if isinstance(stream, httpx2.SyncByteStream):
        return _IteratorBody(stream)
    return _AsyncIteratorBody(stream, changed, contextvars.copy_context())


def _message(chunk: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": chunk, "more_body": more}


class _BytesBody:
    error: BaseException | None = None
    ready = True
    exhausted = False

    def __init__(self, stream: httpx2.ByteStream) -> None:
        self._stream = stream

    def begin(self) -> None:
        """Nothing to begin."""

    def take(self) -> Message:
        self.ready, self.exhausted = False, True
        return _message(b"".join(self._stream), more=False)

    def cancel(self) -> None:
        """Nothing to stop."""


class _IteratorBody:
    def __init__(self, stream: httpx2.SyncByteStream) -> None:
        self._stream = stream
        self._chunks: Iterator[bytes] | None = None
        self.error: BaseException | None = None
        self.ready = True
        self.exhausted = False

    def begin(self) -> None:
        if self._chunks is None:
            self._chunks = iter(self._stream)

    def take(self) -> Message | None:
        assert self._chunks is not None
        try:
            return _message(next(self._chunks), more=True)
        except StopIteration:
            self.ready, self.exhausted = False, True
            return _message(b"", more=False)
        except BaseException as error:
            self.error, self.ready, self.exhausted = error, False, True
            return None

    def cancel(self) -> None:
        """Nothing to stop: a plain iterator runs only while it is asked."""


class _AsyncIteratorBody:
    def __init__(
        self, stream: httpx2.AsyncByteStream, changed: Callable[[], None], context: contextvars.Context
    ) -> None:
        self._stream = stream
        self._changed = WeakMethod(changed)  # a cycle would keep the application's sessions alive
        self._context = context
        self._task: asyncio.Task[None] | None = None
        self._chunk: bytes | None = None
        self._taken = asyncio.Event()
        self._finished = False
        self.error: BaseException | None = None
        self.exhausted = False

    @property
    def ready(self) -> bool:
        return self._chunk is not None or (self._finished and not self.exhausted)

    def begin(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(
                self._drive(), name="hermetic request body", context=self._context
            )

    def take(self) -> Message:
        chunk, self._chunk = self._chunk, None
        if chunk is None:
            self.exhausted = True
            return _message(b"", more=False)
        self._taken.set()
        return _message(chunk, more=True)

    def cancel(self) -> asyncio.Task[None] | None:
        if self._task is not None:
            self._task.cancel()
        return self._task

    async def _drive(self) -> None:
        __tracebackhide__ = True
        try:
            await self._give(self._stream.__aiter__())
            self._finished = True
        except asyncio.CancelledError:
            self.exhausted = True
        except BaseException as error:
            self.error, self.exhausted = error, True
        self._tell()

    def _tell(self) -> None:
        if (changed := self._changed()) is not None:
            changed()

    async def _give(self, chunks: AsyncIterator[bytes]) -> None:
        __tracebackhide__ = True
        try:
            async for chunk in chunks:
                self._chunk = bytes(chunk)
                self._taken.clear()
                self._tell()
                await self._taken.wait()
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
