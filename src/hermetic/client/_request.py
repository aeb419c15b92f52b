"""The requests of a client, built without doing twice what they have in common.

A test suite sends thousands of requests to a few dozen URLs, with the headers that its client has. Parsing the URL,
joining it to the base URL and copying the headers is most of what httpx2 does to build one. Here that is kept for the
next one; what is unusual (a client's own parameters, forms, files, an own iterator as the body) is left to httpx2, and
both ways give the same request.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import httpx2

from hermetic.client._asgi import ASGI_VERSION, Scope
from hermetic.client._httpx2 import HeaderItems, copy_of, items_of, keeps_parts, lower_headers, still_has

if TYPE_CHECKING:
    from hermetic.client._httpx2 import HeaderTypes, QueryParamTypes

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
Background = Literal["await", "detach"]
FILLED_IN = ("asgi", "http_version", "root_path", "headers", "client", "server", "state", "extensions")
"""What each request's scope gets of its own; it stands in its URL's, which is copied, and then need not grow."""

KEPT = 512
KEPT_CLIENTS = 64
NO_TIMEOUT: Mapping[str, float | None] = {}


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
        scope: A scope with all that follows from it; the rest is filled in for each request.
    """

    url: httpx2.URL
    plain: bool
    host: bytes
    server: tuple[str, int]
    scope: dict[str, Any]

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
        is_websocket = scheme in ("ws", "wss")
        scope = {
            "type": "websocket" if is_websocket else "http",
            "path": url.path,
            "raw_path": url.raw_path.split(b"?", 1)[0],
            "scheme": scheme,
            "query_string": url.query,
            **dict.fromkeys(("subprotocols" if is_websocket else "method", *FILLED_IN)),
        }
        port = _PORTS[scheme] if url.port is None else url.port
        return cls(url, _is_plain(url), url.netloc, (url.raw_host.decode("ascii"), port), scope)


class Request(httpx2.Request):
    """A request that remembers what its URL says.

    Attributes:
        target: What its URL says; None when nobody has looked yet.
    """

    target: Target | None = None


def plain_target(request: httpx2.Request) -> Target | None:
    """Return what a request's URL says, if it is one of HTTP that names no user."""
    if type(request) is Request and (target := request.target) is not None and target.url is request.url:
        return target if target.plain else None
    return Target.of(request.url) if _is_plain(request.url) else None


def target_of(request: httpx2.Request) -> Target:
    """Return what a request's URL says, whatever that is.

    Raises:
        httpx2.UnsupportedProtocol: It is neither of HTTP nor of a websocket.
    """
    __tracebackhide__ = True
    try:
        return Target.of(request.url)
    except httpx2.UnsupportedProtocol as error:
        error.request = request
        raise


def _is_plain(url: httpx2.URL) -> bool:
    return url.scheme in ("http", "https") and not url.userinfo


def scope_of(request: httpx2.Request, target: Target, options: ClientOptions, state: dict[str, Any]) -> Scope:
    """Build the scope of a request.

    Args:
        request: The request, complete with its headers.
        target: What its URL says.
        options: How the client calls its application.
        state: What the lifespan left for requests; the application gets a shallow copy.
    """
    headers = lower_headers(request.headers)
    if not (headers and headers[0][0] == b"host") and all(name != b"host" for name, _ in headers):
        headers.insert(0, (b"host", target.host))
    scope = target.scope.copy()
    scope["asgi"] = ASGI_VERSION.copy()
    scope["http_version"] = options.http_version
    scope["root_path"] = options.root_path
    scope["headers"] = headers
    scope["client"] = options.client
    scope["server"] = [*target.server]
    scope["state"] = state.copy()
    if scope["type"] == "websocket":
        asked = request.headers.get("sec-websocket-protocol", "")
        scope["subprotocols"] = [name.strip() for name in asked.split(",") if name.strip()]
        scope["extensions"] = {"websocket.http.response": {}}
    else:
        scope["method"] = request.method
        scope["extensions"] = {"http.response.debug": {}, "http.response.trailers": {}}
        for name in options.extensions:
            scope["extensions"][name] = {}
    return scope


@dataclass(frozen=True, slots=True)
class _Built:
    """A request without headers, body or parameters of its own, as httpx2 builds it: the next one is a copy.

    Attributes:
        request: It; headers of cookies it has none.
        target: What its URL says.
        base_url: The client's base URL.
        params: The client's parameters, of which there are none.
        headers: The client's headers.
    """

    request: Request
    target: Target
    base_url: httpx2.URL
    params: httpx2.QueryParams
    headers: HeaderItems

    def copy(self, client: httpx2.AsyncClient, params: QueryParamTypes | None) -> Request:
        """Return a request like this with parameters of its own, and the client's time limits and cookies of now."""
        if params is not None:
            return copy_of(self.request, httpx2.URL(self.target.url, params=params), client)
        request = copy_of(self.request, self.target.url, client)
        request.target = self.target
        return request


@lru_cache(KEPT_CLIENTS)
def _targets_of(kind: Hashable, base_url: str) -> dict[str, Target]:
    """Return what is known of the URLs of a base URL: most clients live for a test, and send a request or two."""
    return {}


class RequestBuilder:
    """Build the usual requests of a client.

    Args:
        client: Whose base URL, headers, cookies and time limits they get.
    """

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._base: httpx2.URL | None = None
        self._targets: dict[str, Target] = {}
        self._built: dict[tuple[str, str], _Built] = {}
        kind: Any = type(client)
        self._copies = keeps_parts(kind)

    def build(
        self,
        method: str,
        url: httpx2.URL | str,
        params: QueryParamTypes | None,
        headers: HeaderTypes | None,
        json: Any,
    ) -> Request | None:
        """Build a request as httpx2 does; return None for what only httpx2 knows how to build.

        Raises:
            httpx2.InvalidURL: That is no URL.
            TypeError: The JSON cannot be encoded.
        """
        __tracebackhide__ = True
        client = self._client
        bare = headers is None and json is None and self._copies
        if (
            bare
            and (built := self._built.get((method, url))) is not None  # type: ignore[arg-type]
            and still_has(client, built.base_url, built.params, built.headers)
        ):
            return built.copy(client, params)
        if not isinstance(url, str) or client.params or (target := self._target(url)) is None:
            return None
        if bare:
            return self._keep(method, url, target).copy(client, params)
        merged = httpx2.Headers(client.headers)
        merged.update(headers)
        request = Request(
            method,
            target.url,
            params=params,
            headers=merged,
            cookies=client.cookies,
            json=json,
            extensions={"timeout": client.timeout.as_dict()},
        )
        if params is None:
            request.url, request.target = target.url, target
        return request

    def _keep(self, method: str, url: str, target: Target) -> _Built:
        client = self._client
        request = Request(method, target.url, headers=client.headers)
        if len(self._built) == KEPT:
            self._built.clear()
        built = _Built(request, target, client.base_url, client.params, items_of(client.headers))
        self._built[method, url] = built
        return built

    def _target(self, url: str) -> Target | None:
        base = self._client.base_url
        if base is not self._base:
            self._base = base
            kind: Any = type(self._client)
            self._targets = _targets_of(kind, str(base))
        target = self._targets.get(url)
        if target is None:
            merged = httpx2.AsyncClient.build_request(self._client, "GET", url).url
            if merged.scheme not in ("http", "https"):
                return None
            if len(self._targets) == KEPT:
                self._targets.clear()
            target = self._targets[url] = Target.of(merged)
        return target
