"""Starlette's ``TestClient`` on hermetic's transport, so that Starlette's own tests run against it.

Only what is between the two is replaced: the transport, the websocket's session and the lifespan. Each synchronous call
is one call of the portal, and so a task of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Self

import anyio.from_thread
import httpx2
from starlette import testclient

from hermetic import AsyncTestClient
from hermetic.client._request import target_of
from hermetic.client._websocket import WebSocketSession, accepted_by

TestClient = testclient.TestClient


class Facade(TestClient):
    """A ``TestClient`` whose requests, websockets and lifespan are hermetic's."""

    def __init__(self, app: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(app, *arguments, **options)
        theirs: Any = self._transport
        self.inner = AsyncTestClient(
            app,
            raise_server_exceptions=theirs.raise_server_exceptions,
            root_path=theirs.root_path,
            client=theirs.client,
        )
        self.inner.app_state = self.app_state
        self.whole = False
        self._transport = Transport(self)

    def __enter__(self) -> Self:
        """Start the application."""
        with ExitStack() as stack:
            portal = anyio.from_thread.start_blocking_portal(**self.async_backend)
            self.portal = stack.enter_context(portal)
            stack.callback(self._forget_portal)
            portal_call: Any = self.portal.call
            portal_call(self.inner.__aenter__)
            stack.callback(lambda: portal_call(self.inner.__aexit__))
            stack.callback(self._transport.close)
            self.exit_stack = stack.pop_all()
        return self

    def _forget_portal(self) -> None:
        self.portal = None

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """Send a request, by the short way where the response is wanted whole, as ``AsyncTestClient`` does."""
        self.whole = not stream
        return super().send(request, stream=stream, **options)


class Transport(httpx2.BaseTransport):
    """Sends a synchronous request by the asynchronous transport."""

    def __init__(self, facade: Facade) -> None:
        self._facade = facade
        self._open: set[Stream] = set()

    def close(self) -> None:
        """Leave the responses that are open."""
        for stream in list(self._open):
            stream.abort()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request, or refer to the session of a websocket."""
        in_loop = self._facade.inner._in_loop
        if request.url.scheme in ("ws", "wss"):
            raise testclient._Upgrade(Session(self._facade, request))  # type: ignore[arg-type]
        with ExitStack() as stack:
            portal = stack.enter_context(self._facade._portal_factory())
            if self._facade.whole and type(request.stream) is httpx2.ByteStream:
                return portal.call(in_loop.handle_buffered, request, target_of(request), httpx2.Cookies())
            response = portal.call(in_loop.handle_async_request, request)
            stream = Stream(portal, self._facade.inner, response.stream, stack.pop_all())
            self._open.add(stream)
            stream.stack.callback(self._open.discard, stream)
            response.stream = stream
            return response


class Stream(httpx2.SyncByteStream):
    """The body of a response, piece by piece."""

    def __init__(self, portal: Any, client: AsyncTestClient, stream: Any, stack: ExitStack) -> None:
        self.stack = stack
        self._portal = portal
        self._client = client
        self._chunks = aiter(stream)
        self._stream = stream
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        """Give each piece."""
        while (chunk := self._portal.call(self._next)) is not None:
            yield chunk

    async def _next(self) -> bytes | None:
        return await anext(self._chunks, None)

    def close(self) -> None:
        """Leave the response."""
        if not self._closed:
            self._closed = True
            with self.stack:
                self._portal.call(self._stream.aclose)

    def abort(self) -> None:
        """Leave the response, and cancel its application."""
        self._closed = True
        with self.stack:
            self._portal.call(self._client._in_loop.aclose)


class Session:
    """A websocket whose methods block."""

    def __init__(self, facade: Facade, request: httpx2.Request) -> None:
        self._facade = facade
        self._request = request
        self._session = WebSocketSession(self._connect)

    async def _connect(self) -> Any:
        response = await self._facade.inner._in_loop.handle_async_request(self._request)
        response.request = self._request
        return await accepted_by(response)

    def __enter__(self) -> Self:
        """Open it."""
        with ExitStack() as stack:
            self._portal = stack.enter_context(self._facade._portal_factory())
            self._portal.call(self._session.__aenter__)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        """Leave it."""
        with self._stack:
            self._portal.call(self._session.__aexit__, *error)

    def __getattr__(self, name: str) -> Any:
        """Give an attribute of the session, blocking where it would be awaited."""
        found = getattr(self._session, name)
        if not callable(found):
            return found
        return lambda *arguments, **named: self._portal.call(lambda: found(*arguments, **named))
