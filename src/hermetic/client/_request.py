"""The requests of a client, built without doing twice what they have in common.

A test suite sends thousands of requests to a few dozen URLs, with the headers that its client has. Parsing the URL,
joining it to the base URL and copying the headers is most of what httpx2 does to build one. Here that is kept for the
next one; what is unusual (a client's own parameters, forms, files, an own iterator as the body) is left to httpx2, and
both ways give the same request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import httpx2

from hermetic.client._asgi import ASGI_VERSION, Scope
from hermetic.client._httpx2 import lower_headers

if TYPE_CHECKING:
    from hermetic.client._httpx2 import HeaderTypes, QueryParamTypes

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_OFFERED = ("http.response.debug", "http.response.trailers")
Background = Literal["await", "detach"]
KEPT = 512
NO_BODY = httpx2.ByteStream(b"")
WITHOUT_BODY = ("GET", "HEAD", "OPTIONS", "DELETE")


@dataclass(frozen=True)
class ClientOptions:
    """How a client calls its application.

    Attributes:
        root_path: Where the application is said to be mounted.
        client: The address that requests are said to come from.
        http_version: The version of HTTP that they are said to use.
        extensions: ASGI extensions that are offered besides those that ``TestClient`` offers.
        raise_errors: Whether the application's exceptions are raised.
        background: Whether a response waits for background tasks.
        lifespan_context: Whether requests see the context variables that the lifespan set.
        overrides: The values of dependencies, for the requests of this client.
    """

    root_path: str = ""
    client: tuple[str, int] = ("testclient", 50000)
    http_version: str = "1.1"
    extensions: tuple[str, ...] = ()
    raise_errors: bool = True
    background: Background = "await"
    lifespan_context: bool = False
    overrides: Mapping[Callable[..., Any], Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL and what it says to an application: worked out once for all the requests that go there.

    Attributes:
        url: The URL.
        plain: Whether it is of HTTP and names no user.
        host: The value of its ``host`` header.
        server: The host and port of a scope.
        scope: The rest of a scope that follows from it.
    """

    url: httpx2.URL
    plain: bool
    host: bytes
    server: tuple[str, int]
    scope: Mapping[str, Any]

    @classmethod
    def of(cls, url: httpx2.URL) -> Target:
        """Read a URL.

        Raises:
            httpx2.UnsupportedProtocol: It is neither of HTTP nor of a websocket.
        """
        __tracebackhide__ = True
        scheme = url.scheme
        if scheme not in _PORTS:
            raise httpx2.UnsupportedProtocol(
                f"AsyncTestClient sends http and https requests, not {str(url)!r}"
            )
        scope = {
            "type": "websocket" if scheme in ("ws", "wss") else "http",
            "path": url.path,
            "raw_path": url.raw_path.split(b"?", 1)[0],
            "scheme": scheme,
            "query_string": url.query,
        }
        port = _PORTS[scheme] if url.port is None else url.port
        return cls(url, _is_plain(url), url.netloc, (url.raw_host.decode("ascii"), port), scope)


class Request(httpx2.Request):
    """A request that remembers what its URL says.

    Attributes:
        target: What its URL says; None when nobody has looked yet.
    """

    target: Target | None = None


def is_plain(request: httpx2.Request) -> bool:
    """Whether a request is one of HTTP, and its URL names no user."""
    known = _known_target(request)
    return _is_plain(request.url) if known is None else known.plain


def target_of(request: httpx2.Request) -> Target:
    """Return what a request's URL says; a hook may have given it another URL.

    Raises:
        httpx2.UnsupportedProtocol: It is neither of HTTP nor of a websocket.
    """
    __tracebackhide__ = True
    if (known := _known_target(request)) is not None:
        return known
    try:
        return Target.of(request.url)
    except httpx2.UnsupportedProtocol as error:
        error.request = request
        raise


def _is_plain(url: httpx2.URL) -> bool:
    return url.scheme in ("http", "https") and not url.userinfo


def _known_target(request: httpx2.Request) -> Target | None:
    target = getattr(request, "target", None)
    return target if isinstance(target, Target) and target.url is request.url else None


def scope_of(request: httpx2.Request, target: Target, options: ClientOptions, state: dict[str, Any]) -> Scope:
    """Build the scope of a request.

    Args:
        request: The request, complete with its headers.
        target: What its URL says.
        options: How the client calls its application.
        state: What the lifespan left for requests; the application gets a shallow copy.
    """
    headers = lower_headers(request.headers)
    if not any(name == b"host" for name, _ in headers):
        headers.insert(0, (b"host", target.host))
    scope = {
        **target.scope,
        "asgi": ASGI_VERSION.copy(),
        "http_version": options.http_version,
        "root_path": options.root_path,
        "headers": headers,
        "client": options.client,
        "server": [*target.server],
        "state": state.copy(),
    }
    if scope["type"] == "websocket":
        asked = request.headers.get("sec-websocket-protocol", "")
        scope["subprotocols"] = [name.strip() for name in asked.split(",") if name.strip()]
        scope["extensions"] = {"websocket.http.response": {}}
    else:
        scope["method"] = request.method
        scope["extensions"] = {name: {} for name in (*_OFFERED, *options.extensions)}
    return scope


class RequestBuilder:
    """Build the usual requests of a client.

    Args:
        client: Whose base URL, headers, cookies and time limits they get.
    """

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._base = client.base_url
        self._targets: dict[str, Target] = {}
        self._headers: dict[bytes, tuple[list[tuple[bytes, bytes]], httpx2.Headers]] = {}

    def build(
        self, method: str, url: str, params: QueryParamTypes | None, headers: HeaderTypes | None, json: Any
    ) -> Request | None:
        """Build a request as httpx2 does; return None for a URL that only httpx2 knows what to do with.

        Raises:
            httpx2.InvalidURL: That is no URL.
            TypeError: The JSON cannot be encoded.
        """
        __tracebackhide__ = True
        target = self._target(url)
        if target is None:
            return None
        client = self._client
        extensions = {"timeout": client.timeout.as_dict()}
        if json is None and headers is None and method in WITHOUT_BODY:
            request = Request(
                method,
                target.url,
                params=params,
                headers=self._complete(target),
                cookies=client.cookies,
                stream=NO_BODY,
                extensions=extensions,
            )
            request.read()
        else:
            merged = httpx2.Headers(client.headers)
            merged.update(headers)
            request = Request(
                method,
                target.url,
                params=params,
                headers=merged,
                cookies=client.cookies,
                json=json,
                extensions=extensions,
            )
        if params is None:
            request.url, request.target = target.url, target
        return request

    def _target(self, url: str) -> Target | None:
        base = self._client.base_url
        if base is not self._base:
            self._base = base
            self._targets.clear()
        target = self._targets.get(url)
        if target is None:
            merged = httpx2.AsyncClient.build_request(self._client, "GET", url).url
            if merged.scheme not in ("http", "https"):
                return None
            if len(self._targets) == KEPT:
                self._targets.clear()
            target = self._targets[url] = Target.of(merged)
        return target

    def _complete(self, target: Target) -> httpx2.Headers:
        """Return the client's headers with the host before them, as a request without a body has them."""
        raw = self._client.headers.raw
        kept = self._headers.get(target.host)
        if kept is None or kept[0] != raw:
            plain = httpx2.Request("GET", target.url, headers=self._client.headers)
            kept = self._headers[target.host] = (raw, plain.headers)
        return kept[1]
