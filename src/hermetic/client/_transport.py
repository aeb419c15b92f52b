"""The transport that runs an application in the loop of whoever sends the request, and the response that it gives."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from http.cookiejar import Cookie, DefaultCookiePolicy
from time import perf_counter
from typing import Any, TypeVar

import httpx2

from hermetic import owners
from hermetic.client._app_task import running_loop
from hermetic.client._asgi import ASGIApp, as_asgi3
from hermetic.client._http_task import BufferedHTTPTask, HTTPTask
from hermetic.client._httpx2 import RESPONSE_KNOWN, headers_of, read_response
from hermetic.client._lifespan import Lifespan
from hermetic.client._overrides import replace_for_one_client
from hermetic.client._request import ClientOptions, Target, scope_of, target_of
from hermetic.client._websocket_task import WebSocketTask
from hermetic.owners import Owner

T = TypeVar("T", HTTPTask, BufferedHTTPTask, WebSocketTask)


class InLoopTransport(httpx2.AsyncBaseTransport):
    """Answer requests by running an application, each in a task of its own.

    Args:
        app: The application.
        lifespan: Whose state the requests get.
        options: How the application is treated.

    Attributes:
        start_lifespan: Whether a request starts the lifespan when it does not run in this loop.
    """

    def __init__(self, app: ASGIApp, *, lifespan: Lifespan, options: ClientOptions) -> None:
        self.app = app
        self.lifespan = lifespan
        self.options = options
        self.start_lifespan = False
        self._open: set[HTTPTask | WebSocketTask] = set()
        self._registers = [self._open]
        self._answers: dict[httpx2.Request, httpx2.Response] = {}

    @property
    def app(self) -> ASGIApp:
        """The application; which version it is written for is found out once."""
        return self._app

    @app.setter
    def app(self, app: ASGIApp) -> None:
        self._app = app
        self._asgi3 = as_asgi3(app)

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop of a response or websocket that is still open; None when all are closed."""
        return next((each.loop for each in self._open if not each.loop.is_closed()), None)

    def register_with(self, other: InLoopTransport) -> None:
        """Have what this opens be open in another transport as well, which may end it; neither holds the other."""
        self._registers += other._registers

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Run the application; return when its response has started, or when it has answered the handshake."""
        __tracebackhide__ = True
        if (answer := self._answers.pop(request, None)) is not None:
            return answer
        if self.start_lifespan:
            await self._start_lifespan()
        target = target_of(request)
        if target.scope["type"] == "websocket":
            name = f"websocket {request.url.path}"
            return await self._begin(WebSocketTask, request, target, name).answer()
        task = self._begin(HTTPTask, request, target)
        await task.wait_for_start()
        if task.status is None:
            await task.close()
            return self._no_response(request)
        return streamed(task)

    async def handle_buffered(
        self, request: httpx2.Request, target: Target, cookies: httpx2.Cookies
    ) -> httpx2.Response:
        """Run the application up to its end; return its response, which has been read.

        Args:
            request: The request.
            target: What its URL says.
            cookies: What keeps the response's cookies, even when the application fails after it.
        """
        __tracebackhide__ = True
        begin = perf_counter()
        if self.start_lifespan:
            await self._start_lifespan()
        task = self._begin(BufferedHTTPTask, request, target)
        try:
            body = await task.read_body()
        finally:
            names = [name for _, name, _ in task.headers]
            if b"set-cookie" in names or b"set-cookie2" in names:
                cookies.extract_cookies(streamed(task))
        if body is None:
            response = self._no_response(request)
            response.read()
        else:
            response = read(task, body, encoded=b"content-encoding" in names)
        response.elapsed = timedelta(0, perf_counter() - begin)
        return response

    def respond_with(self, response: httpx2.Response) -> None:
        """Answer a request, which httpx2 is about to send, by a response that is there already."""
        self._answers[response.request] = response

    async def aclose(self) -> None:
        """Disconnect from all that is still open in this loop, and wait for what goes on after its response.

        Raises:
            BaseException: What the first of these applications raised.
        """
        __tracebackhide__ = True
        here = [each for each in list(self._open) if not self._forgotten(each)]
        left = [each for each in here if isinstance(each, HTTPTask) and not each.detached]
        for task in left:
            task.abandon()
        await self._finish(here)

    async def drain(self) -> None:
        """Wait for the applications whose responses are complete.

        Raises:
            BaseException: What the first of them raised.
        """
        __tracebackhide__ = True
        await self._finish([each for each in self._open if isinstance(each, HTTPTask) and each.detached])

    def task_of(self, request: httpx2.Request) -> HTTPTask | WebSocketTask | None:
        """Return what a request began, while it is open."""
        return next((each for each in self._open if each.request is request), None)

    async def _finish(self, tasks: list[HTTPTask | WebSocketTask]) -> None:
        __tracebackhide__ = True
        errors: list[BaseException] = []
        for each in tasks:
            try:
                await each.finish()
            except BaseException as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _forgotten(self, task: HTTPTask | WebSocketTask) -> bool:
        """Forget what was left open in another loop: the teardown of that loop ends it."""
        if task.loop is running_loop():
            return False
        self._open.discard(task)
        return True

    async def _start_lifespan(self) -> None:
        __tracebackhide__ = True
        loop = running_loop()
        if not (self.lifespan.running and self.lifespan.loop is loop):
            await self.lifespan.start()

    def _begin(self, kind: type[T], request: httpx2.Request, target: Target, name: str = "") -> T:
        options = self.options
        sender = owners.current()
        owner = Owner(
            name or f"request {request.method} {target.scope['path']}", "request", sender.scope, sender
        )
        context = self._context() if options.overrides or options.lifespan_context else None
        scope = scope_of(request, target, options, self.lifespan.state)
        task = kind(self._asgi3, scope, request, owner, context, options, self._forget)
        for register in self._registers:
            register.add(task)
        return task.begin()

    def _forget(self, task: HTTPTask | WebSocketTask) -> None:
        for register in self._registers:
            register.discard(task)

    def _context(self) -> contextvars.Context:
        """Return the context that an application runs in, where it is not a plain copy of the test's."""
        overrides = self.options.overrides
        inherited = self.options.lifespan_context
        context = self.lifespan.context_for_requests() if inherited else contextvars.copy_context()
        if overrides:
            context.run(replace_for_one_client, self.app, overrides)
        return context

    def _no_response(self, request: httpx2.Request) -> httpx2.Response:
        __tracebackhide__ = True
        if self.options.raise_errors:
            raise AssertionError(
                f"AsyncTestClient did not receive any response to {request.method} {request.url}: "
                "the application ended without sending one."
            )
        return httpx2.Response(500, request=request, stream=httpx2.ByteStream(b""))


class SingleLabelPolicy(DefaultCookiePolicy):
    """The usual policy, which also takes a cookie for the host that sets it, when the host has no dot.

    ``http.cookiejar`` refuses ``Domain=testserver``, and ``Domain=localhost``: it knows no domain without a dot. Such a
    cookie is kept as one that names no domain, which means the same: it is for that host alone.
    """

    def set_ok_domain(self, cookie: Cookie, request: Any) -> bool:
        """Tell whether a response may set this cookie."""
        host = request.host.partition(":")[0].lower()
        if cookie.domain_specified and cookie.domain.lstrip(".") == host and "." not in host:
            cookie.domain = f"{host}.local"  # the jar's own name for such a host
            cookie.domain_specified = cookie.domain_initial_dot = False
        return super().set_ok_domain(cookie, request)


class Response(httpx2.Response):
    """A response that understands a cookie's ``Domain`` as the client does."""

    @functools.cached_property
    def cookies(self) -> httpx2.Cookies:
        """The cookies that this response sets."""
        return set_by(self)

    def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Give the body piece by piece, if it has been read; all else that reads it without ``await`` comes by here."""
        if not (self.is_stream_consumed or isinstance(self.stream, httpx2.SyncByteStream)):
            raise RuntimeError(
                "Attempted to call a sync iterator on an async stream: the body comes in the test's event loop."
                "\n\nhint: await response.aread()\nhint: async for line in response.aiter_lines():"
            )
        return super().iter_raw(chunk_size)

    def close(self) -> None:
        """Close the response, if it came whole."""
        if not isinstance(self.stream, httpx2.SyncByteStream):
            raise RuntimeError(
                "Attempted to call a sync close on an async stream: it ends in the test's event loop."
                "\n\nhint: await response.aclose()"
            )
        super().close()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, task: HTTPTask) -> None:
        self._task = task

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        __tracebackhide__ = True
        return await self._task.next_chunk()

    async def aclose(self) -> None:
        __tracebackhide__ = True
        await self._task.close()


def streamed(task: HTTPTask) -> Response:
    """Return the response to a request; its body comes as it is sent."""
    return _response(task, _Body(task))


def read(task: HTTPTask, body: bytes, *, encoded: bool) -> Response:
    """Return the response to a request, read to its end.

    Args:
        task: The request; its response has been sent.
        body: The response's body, as it was sent.
        encoded: Whether the response has a ``content-encoding``.

    Raises:
        httpx2.DecodingError: The body is not encoded as its header says.
    """
    __tracebackhide__ = True
    assert task.status is not None
    if encoded or not RESPONSE_KNOWN:
        response = _response(task, httpx2.ByteStream(body))
        response.read()
        return response
    response = read_response(Response, task.status, task.headers, body, task.request, task.extensions)
    return _with_debug(response, task)


def set_by(response: httpx2.Response) -> httpx2.Cookies:
    """Return the cookies that a response sets."""
    cookies = httpx2.Cookies()
    cookies.jar.set_policy(SingleLabelPolicy())
    cookies.extract_cookies(response)
    return cookies


def _response(task: HTTPTask, stream: httpx2.AsyncByteStream) -> Response:
    assert task.status is not None
    response = Response(
        task.status,
        headers=headers_of(task.headers),
        stream=stream,
        request=task.request,
        extensions=dict(task.extensions),
    )
    return _with_debug(response, task)


def _with_debug(response: Response, task: HTTPTask) -> Response:
    if task.extensions and (debug := task.extensions.get("http.response.debug")) is not None:
        for name in ("template", "context"):
            if name in debug:
                setattr(response, name, debug[name])
    return response
