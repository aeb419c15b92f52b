"""What of ``AsyncTestClient`` is an ``httpx2.AsyncClient``: how it is made, sends, is entered, left and used again.

Of 2,162 places in 45 public suites that make a client, 1,352 make it in a test and never enter it, and 227 at module
level: so un-entered use is the normal case, it runs no lifespan, and a client is never closed for good.

httpx2 keeps a state "closed" that only its own ``aclose`` and ``__aexit__`` set; ours replace both, since there is no
connection pool to close.

Almost all requests have no authentication, no hooks, no time limit, and are read at once. ``build_request`` and
``send`` have a short way for these, four times as fast as httpx2's; for all others, for a redirect, and with
httpx2's log on, httpx2 does everything. A response does not tell which way it came (``tests/client/test_buffered.py``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import lru_cache
from http.cookiejar import CookieJar
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

import httpx2

from hermetic.client._asgi import ASGIApp, name_of
from hermetic.client._await_hints import AsyncOnly, hinted, hinted_context, request_method
from hermetic.client._httpx2 import sends_by
from hermetic.client._lifespan import Lifespan
from hermetic.client._request import (
    KEPT_CLIENTS,
    Background,
    ClientOptions,
    RequestBuilder,
    Target,
    plain_target,
)
from hermetic.client._request_body import SyncAndAsyncStream
from hermetic.client._transport import InLoopTransport, SingleLabelPolicy

if TYPE_CHECKING:
    from hermetic.client._httpx2 import (
        AuthTypes,
        CookieTypes,
        HeaderTypes,
        QueryParamTypes,
        RequestContent,
        RequestData,
        RequestExtensions,
        RequestFiles,
        TimeoutTypes,
        UseClientDefault,
    )

Identity = (
    Mapping[str, str]
    | Mapping[Callable[..., Any], Any]
    | httpx2.Cookies
    | httpx2.Auth
    | tuple[str, str]
    | None
)
Authenticate = Callable[..., Identity | Awaitable[Identity]]
"""What a project's ``hermetic_auth`` gives: how a client becomes a user's.

A plain function gets the user and returns what makes a client that user's: headers, cookies, an ``httpx2.Auth``, or
dependencies with the values that replace them. An async function gets the client and the credentials, may send requests
with it (a login form, say), and returns one of these, or None when the cookies that the requests set are all there is.
"""

LOGGER = logging.getLogger("httpx2")
TIMEOUT_OF_CLIENT = {"read": 0}


_parsed = lru_cache(KEPT_CLIENTS)(httpx2.URL)


class InLoopClient(AsyncOnly, httpx2.AsyncClient):
    """An ``httpx2.AsyncClient`` on the in-loop transport; ``AsyncTestClient`` documents its arguments."""

    __test__ = False
    _with = "async with AsyncTestClient(app) as client:"

    def __init__(
        self,
        app: ASGIApp,
        base_url: httpx2.URL | str = "http://testserver",
        raise_server_exceptions: bool = True,
        root_path: str = "",
        *,
        cookies: CookieTypes | None = None,
        headers: HeaderTypes | None = None,
        follow_redirects: bool = True,
        client: tuple[str, int] = ("testclient", 50000),
        lifespan: Lifespan | None = None,
        auth: AuthTypes | None = None,
        params: QueryParamTypes | None = None,
        timeout: TimeoutTypes = None,
        max_redirects: int = 20,
        event_hooks: Mapping[str, list[Callable[..., Any]]] | None = None,
        default_encoding: str | Callable[[bytes], str | None] = "utf-8",
        http_version: str = "1.1",
        asgi_extensions: Iterable[str] = (),
        background: Background = "await",
        lifespan_context: bool = False,
        authenticate: Authenticate | None = None,
    ) -> None:
        self.authenticate = authenticate
        self._text_encoding = default_encoding
        self._own_lifespan = lifespan is None
        self._entered_in: asyncio.AbstractEventLoop | None = None
        self._in_loop = InLoopTransport(
            app,
            lifespan=lifespan or Lifespan(app, name=f"the lifespan of {name_of(app)}"),
            options=ClientOptions(
                root_path,
                client,
                http_version,
                tuple(asgi_extensions),
                raise_errors=raise_server_exceptions,
                background=background,
                lifespan_context=lifespan_context,
            ),
        )
        merged = httpx2.Headers(headers)
        merged.setdefault("user-agent", "testclient")
        super().__init__(
            transport=self._in_loop,
            base_url=_parsed(base_url) if isinstance(base_url, str) else base_url,
            cookies=cookies,
            headers=merged,
            follow_redirects=follow_redirects,
            auth=auth,
            params=params,
            timeout=timeout,
            max_redirects=max_redirects,
            event_hooks=event_hooks,
            default_encoding=default_encoding,
        )
        if not isinstance(cookies, CookieJar):
            self.cookies.jar.set_policy(SingleLabelPolicy())
        self._requests = RequestBuilder(self)

    @classmethod
    def _lazily(cls, app: ASGIApp, *, lifespan: Lifespan | None = None, **options: Any) -> Self:
        """Make a client whose first request in a loop starts the lifespan, for fixtures that are synchronous.

        Its own lifespan is ended by ``await client.aclose()`` in ``client.started_loop``; a shared one by its maker.
        The next request starts it again, in whatever loop that is.
        """
        client = cls(app, lifespan=lifespan, **options)
        client._in_loop.start_lifespan = True
        return client

    if not TYPE_CHECKING:  # pragma: no branch - who checks types is told by their absence

        @property  # a __getattr__ would have Python look up each attribute of a client in a slower way
        def close(self) -> NoReturn:
            """Say what to write for what only a ``TestClient`` has."""
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute 'close'\n\nhint: await client.aclose()"
            )

    @property
    def app(self) -> ASGIApp:
        """The application; set it to send the requests that follow to another."""
        return self._in_loop.app

    @app.setter
    def app(self, app: ASGIApp) -> None:
        self._in_loop.app = app
        if self._own_lifespan:
            self.lifespan.app = app

    @property
    def app_state(self) -> dict[str, Any]:
        """What the lifespan left for requests: each gets a shallow copy as ``scope["state"]``."""
        return self.lifespan.state

    @app_state.setter
    def app_state(self, state: dict[str, Any]) -> None:
        self.lifespan.state = state

    @property
    def lifespan(self) -> Lifespan:
        """The application's lifespan, to be shared with other clients."""
        return self._in_loop.lifespan

    @property
    def started_loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop in which ``aclose`` has something to end: a lifespan of its own, or a response; else None."""
        own = self.lifespan.loop if self._own_lifespan else None
        return own or self._in_loop.loop

    def build_request(
        self,
        method: str,
        url: httpx2.URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = httpx2.USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> httpx2.Request:
        """Build a request, as ``httpx2.AsyncClient`` does."""
        __tracebackhide__ = True
        if (
            content is None
            and data is None
            and files is None
            and cookies is None
            and extensions is None
            and timeout is httpx2.USE_CLIENT_DEFAULT
            and (request := self._requests.build(method, url, params, headers, json)) is not None
        ):
            return request
        return super().build_request(
            method,
            url,
            content=content,
            data=data,
            files=files,
            json=json,
            params=params,
            headers=headers,
            cookies=cookies,
            timeout=timeout,
            extensions=extensions,
        )

    # Each says what to write where it is not awaited.
    request = hinted("client.request(...)")(httpx2.AsyncClient.request)
    get = request_method("GET", httpx2.AsyncClient.get)
    options = request_method("OPTIONS", httpx2.AsyncClient.options)
    head = request_method("HEAD", httpx2.AsyncClient.head)
    post = request_method("POST", httpx2.AsyncClient.post)
    put = request_method("PUT", httpx2.AsyncClient.put)
    patch = request_method("PATCH", httpx2.AsyncClient.patch)
    delete = request_method("DELETE", httpx2.AsyncClient.delete)

    stream = hinted_context(  # type: ignore[assignment]  # it says less: that it is entered
        "async with client.stream(...) as response:", "async for line in response.aiter_lines():"
    )(httpx2.AsyncClient.stream)

    @hinted("client.send(...)")
    async def send(
        self,
        request: httpx2.Request,
        *,
        stream: bool = False,
        auth: AuthTypes | UseClientDefault | None = httpx2.USE_CLIENT_DEFAULT,
        follow_redirects: bool | UseClientDefault = httpx2.USE_CLIENT_DEFAULT,
    ) -> httpx2.Response:
        """Send a request, as ``httpx2.AsyncClient`` does; its body may come from a plain generator as well."""
        __tracebackhide__ = True
        is_usual = not stream and auth is httpx2.USE_CLIENT_DEFAULT
        if is_usual and (target := self._plain_target(request)) is not None:
            response = await self._in_loop.handle_buffered(request, target, self.cookies)
            if self._is_final(response):
                return response
        return await self._send_by_httpx2(
            request, stream=stream, auth=auth, follow_redirects=follow_redirects
        )

    async def _ask(
        self,
        method: str,
        url: httpx2.URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        json: Any | None = None,
    ) -> httpx2.Response:
        """Build and send a usual request, without the methods between."""
        __tracebackhide__ = True
        request: httpx2.Request | None = self._requests.build(method, url, params, headers, json)
        if request is None:
            request = self.build_request(method, url, params=params, headers=headers, json=json)
        if (target := self._plain_target(request)) is not None:
            response = await self._in_loop.handle_buffered(request, target, self.cookies)
            if self._is_final(response):
                return response
        return await self._send_by_httpx2(request)

    def _is_as_made(self) -> bool:
        """Whether nobody has replaced the methods through which requests go."""
        kind, own = type(self), self.__dict__
        return (
            kind.request is _REQUEST
            and kind.build_request is _BUILD_REQUEST
            and kind.send is _SEND
            and not ("request" in own or "build_request" in own or "send" in own)
        )

    def _is_final(self, response: httpx2.Response) -> bool:
        """Whether this is what its request gets; httpx2, which is about to follow a redirect, begins with it."""
        response.default_encoding = self._text_encoding
        is_final = response.status_code // 100 != 3 or not response.has_redirect_location
        if not is_final:
            self._in_loop.respond_with(response)
        return is_final

    async def _send_by_httpx2(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        __tracebackhide__ = True
        if not isinstance(request.stream, httpx2.AsyncByteStream):
            request.stream = SyncAndAsyncStream(request.stream)
        return await httpx2.AsyncClient.send(self, request, **options)

    def _plain_target(self, request: httpx2.Request) -> Target | None:
        """Return what a request's URL says, if nothing but the application has a say in the response to it."""
        is_plain = (
            type(request.stream) is httpx2.ByteStream
            and request.extensions.get("timeout", TIMEOUT_OF_CLIENT).get("read") is None
            and self._in_loop.options.background == "await"
            and not LOGGER.isEnabledFor(logging.INFO)
            and sends_by(self, self._in_loop)
        )
        return plain_target(request) if is_plain else None

    def _another(self) -> Self:
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        InLoopClient.__init__(
            other,
            self.app,
            self.base_url,
            cookies=self.cookies,
            headers=self.headers,
            follow_redirects=self.follow_redirects,
            lifespan=self.lifespan,
            auth=self.auth,
            params=self.params,
            timeout=self.timeout,
            max_redirects=self.max_redirects,
            event_hooks=self.event_hooks,
            default_encoding=self._text_encoding,
            authenticate=self.authenticate,
        )
        other._in_loop.options = self._in_loop.options
        other._in_loop.start_lifespan = self._in_loop.start_lifespan
        other._in_loop.register_with(self._in_loop)
        return other

    async def __aenter__(self) -> Self:
        """Run the application's start-up.

        Raises:
            BaseException: What the application raised in it.
            LifespanError: It sent ``lifespan.startup.failed`` and raised nothing.
            RuntimeError: The client is entered already.
        """
        __tracebackhide__ = True
        if self._entered_in is not None and not self._entered_in.is_closed():
            raise RuntimeError(
                "This AsyncTestClient is entered already. Leave it first, or make another client for the same "
                "lifespan: AsyncTestClient(app, lifespan=client.lifespan)."
            )
        await self.lifespan.start()
        self._entered_in = asyncio.get_running_loop()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Close the client, as ``aclose`` does."""
        __tracebackhide__ = True
        await self.aclose()

    async def aclose(self) -> None:
        """Leave every response that is still open, and run the application's shutdown if it was started here.

        The client can be used again afterwards.

        Raises:
            BaseException: What the application raised in its shutdown.
            LifespanError: It sent ``lifespan.shutdown.failed`` and raised nothing, or it was started in
                another loop.
        """
        __tracebackhide__ = True
        self._entered_in = None
        try:
            await self._in_loop.aclose()
        finally:
            if self._own_lifespan:
                await self.lifespan.stop()


_REQUEST, _BUILD_REQUEST, _SEND = InLoopClient.request, InLoopClient.build_request, InLoopClient.send
