"""Server-sent events, one by one, on httpx2's own ``EventSource``.

The time limit of a request counts for each piece of body, so a comment that keeps the connection alive would hide that
no event comes. Here it counts for each event. A limit that has passed ends nothing: the event that comes later is the
next one. Tasks that ask at the same time get one event each, in the order in which they asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2

from hermetic.client._app_task import AppTask
from hermetic.client._await_hints import AsyncOnly, hinted


class EventStream(AsyncOnly, httpx2.EventSource):
    """The events of a response, as ``AsyncTestClient.sse`` gives them.

    Iterating gives each event, an ``httpx2.ServerSentEvent``; iterating again goes on where the last stopped.

    Args:
        response: The response, not read.
        max_event_size: How many bytes an event may have.
        timeout: Seconds to wait for each event; None for ever.
        task: The application that answers, while it does.
    """

    _with = "async with client.sse(...) as events:"
    _for = "async for event in events:"

    def __init__(
        self,
        response: httpx2.Response,
        max_event_size: int | None,
        timeout: float | None,
        task: AppTask | None,
    ) -> None:
        super().__init__(response, max_event_size=max_event_size)
        self._timeout = timeout
        self._task = task
        self._events = super().__aiter__()
        self._turn = asyncio.Lock()
        self._pending: asyncio.Task[httpx2.ServerSentEvent | None] | None = None

    def __aiter__(self) -> AsyncIterator[httpx2.ServerSentEvent]:
        """Go on with the next event."""
        return self

    async def __anext__(self) -> httpx2.ServerSentEvent:
        """Return the next event; errors as of ``next``."""
        __tracebackhide__ = True
        return await self._next(self._timeout)

    @hinted("events.next()")
    async def next(self, *, timeout: float | None = None) -> httpx2.ServerSentEvent:
        """Return the next event.

        Args:
            timeout: Seconds to wait; by default those of ``sse``.

        Raises:
            httpx2.ReadTimeout: There was none in time; the message has the application's stack.
            EOFError: The response has ended.
            httpx2.SSEError: The response is no event stream, or an event is too long.
        """
        __tracebackhide__ = True
        try:
            return await self._next(self._timeout if timeout is None else timeout)
        except StopAsyncIteration:
            raise EOFError("the event stream has ended") from None

    async def _next(self, seconds: float | None) -> httpx2.ServerSentEvent:
        __tracebackhide__ = True
        try:
            async with asyncio.timeout(seconds), self._turn:
                arrived = await self._arrival()
        except TimeoutError:
            raise httpx2.ReadTimeout(
                f"{self.response.request.url}: there was no event for {seconds} s; the application waits here:\n"
                f"{self._task.stack() if self._task else ''}",
                request=self.response.request,
            ) from None
        event = arrived.result()
        if event is None:
            raise StopAsyncIteration
        return event

    async def _arrival(self) -> asyncio.Task[httpx2.ServerSentEvent | None]:
        """Wait for the next event; a wait that is given up leaves it to the next one."""
        __tracebackhide__ = True
        if self._pending is None:
            self._pending = asyncio.create_task(self._advance())
        arrived = self._pending
        await asyncio.wait([arrived])
        self._pending = None
        return arrived

    async def _advance(self) -> httpx2.ServerSentEvent | None:
        """Return the next event, None at the end: a task cannot hand StopAsyncIteration on."""
        __tracebackhide__ = True
        return await anext(self._events, None)

    async def aclose(self) -> None:
        """Stop waiting for an event that has not come."""
        __tracebackhide__ = True
        if self._pending is not None:
            self._pending.cancel()
            await asyncio.gather(self._pending, return_exceptions=True)
            self._pending = None
