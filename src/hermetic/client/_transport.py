"""The transport that runs an application in the loop of whoever sends the request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2

from hermetic import owners
from hermetic.client._asgi import ASGIApp, as_asgi3, http_scope
from hermetic.client._exchange import Exchange
from hermetic.client._lifespan import Lifespan
from hermetic.client._waiting import running_loop
from hermetic.owners import Owner


class InLoopTransport(httpx2.AsyncBaseTransport):
    """Answer requests by running an application, each in a task of its own.

    Args:
        app: The application.
        lifespan: Whose state the requests get.
        raise_server_exceptions: Whether the application's exceptions are raised.
        root_path: Where the application is said to be mounted.
        client: The address that requests are said to come from.

    Attributes:
        start_lifespan: Whether a request starts the lifespan when it does not run in this loop.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        lifespan: Lifespan,
        raise_server_exceptions: bool,
        root_path: str,
        client: tuple[str, int],
    ) -> None:
        self.app = app
        self.lifespan = lifespan
        self.start_lifespan = False
        self._raise_server_exceptions = raise_server_exceptions
        self._root_path = root_path
        self._client = client
        self._open: set[Exchange] = set()

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop of a response that is still open; None when all are closed."""
        return next((exchange.loop for exchange in self._open if not exchange.loop.is_closed()), None)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Run the application; return when its response has started."""
        __tracebackhide__ = True
        loop = running_loop()
        if self.start_lifespan and not (self.lifespan.running and self.lifespan.loop is loop):
            await self.lifespan.start()
        exchange = self._begin(request)
        await exchange.wait_for_start()
        if exchange.start is None:
            await exchange.close()
            return self._no_response(request)
        return _response(exchange, request)

    async def aclose(self) -> None:
        """Take leave of every response that is still open in this loop.

        Raises:
            BaseException: What the first of these applications raised.
        """
        __tracebackhide__ = True
        errors: list[BaseException] = []
        for exchange in list(self._open):
            if exchange.loop is not running_loop():
                self._open.discard(exchange)
                continue
            try:
                await exchange.close()
            except BaseException as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _begin(self, request: httpx2.Request) -> Exchange:
        __tracebackhide__ = True
        sender = owners.current()
        scope = http_scope(request, root_path=self._root_path, client=self._client, state=self.lifespan.state)
        exchange = Exchange(
            as_asgi3(self.app),
            scope,
            request,
            owner=Owner(f"request {request.method} {request.url.path}", "request", sender.scope, sender),
            raise_errors=self._raise_server_exceptions,
            on_close=self._open.discard,
        )
        self._open.add(exchange)
        return exchange

    def _no_response(self, request: httpx2.Request) -> httpx2.Response:
        __tracebackhide__ = True
        if self._raise_server_exceptions:
            raise AssertionError(
                f"{request.method} {request.url}: the application ended without sending any response."
            )
        return httpx2.Response(500, request=request, stream=httpx2.ByteStream(b""))


class _Body(httpx2.AsyncByteStream):
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        __tracebackhide__ = True
        return await self._exchange.next_chunk()

    async def aclose(self) -> None:
        __tracebackhide__ = True
        await self._exchange.close()


def _response(exchange: Exchange, request: httpx2.Request) -> httpx2.Response:
    assert exchange.start is not None
    response = httpx2.Response(
        exchange.start["status"], headers=exchange.start["headers"], stream=_Body(exchange), request=request
    )
    if exchange.trailers is not None:
        response.extensions["http.response.trailers"] = exchange.trailers
    if exchange.debug is not None:
        response.extensions["http.response.debug"] = exchange.debug
        for name in ("template", "context"):
            if name in exchange.debug:
                setattr(response, name, exchange.debug[name])
    return response
