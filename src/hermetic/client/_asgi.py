"""What the client says to an application: ASGI types, scopes, and version 2 applications made version 3.

The scopes are those of Starlette's ``TestClient`` with two differences, both towards what servers send: the key
``asgi`` is there, as the specification asks, and a path is percent-decoded once (``TestClient`` decodes it twice).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import httpx2

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGI3App = Callable[[Scope, Receive, Send], Awaitable[None]]
ASGI2App = Callable[[Scope], Callable[[Receive, Send], Awaitable[None]]]
ASGIApp = ASGI3App | ASGI2App

# Below 2.4 a send to a client that left does nothing, as here; from 2.4 on it would raise OSError.
ASGI_VERSION = {"version": "3.0", "spec_version": "2.3"}

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_OFFERED = ("http.response.debug", "http.response.trailers")


def as_asgi3(app: ASGIApp) -> ASGI3App:
    """Return the application as a version 3 callable, whichever version it is written for."""
    if _is_asgi3(app):
        return app  # type: ignore[return-value]
    version2: ASGI2App = app  # type: ignore[assignment]

    async def version3(scope: Scope, receive: Receive, send: Send) -> None:
        __tracebackhide__ = True
        await version2(scope)(receive, send)

    return version3


def _is_asgi3(app: ASGIApp) -> bool:
    """Tell by the rules of Starlette and uvicorn; a plain function that cannot take one argument is version 3 too."""
    if inspect.isclass(app):
        return hasattr(app, "__await__")
    target: Any = app
    while isinstance(target, functools.partial):
        target = target.func
    if inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(target.__call__):
        return True
    try:
        inspect.signature(app).bind(object())
    except TypeError:
        return True
    return False


def header_pairs(message: Message) -> list[tuple[bytes, bytes]]:
    """Return copies of the headers of a message; text, which the specification forbids, is taken as latin-1."""
    return [
        (name if type(name) is bytes else _raw(name), value if type(value) is bytes else _raw(value))
        for name, value in message.get("headers") or ()
    ]


def _raw(part: str | bytes) -> bytes:
    return part.encode("latin-1") if isinstance(part, str) else bytes(part)


@dataclass(frozen=True)
class Connection:
    """What every request of a client is said to come through.

    Attributes:
        root_path: Where the application is said to be mounted.
        client: The address that requests are said to come from.
        http_version: The version of HTTP that they are said to use.
        extensions: ASGI extensions that are offered besides those that ``TestClient`` offers.
    """

    root_path: str = ""
    client: tuple[str, int] = ("testclient", 50000)
    http_version: str = "1.1"
    extensions: tuple[str, ...] = ()


def is_plain(url: httpx2.URL) -> bool:
    """Whether a URL is one of HTTP, and names no user."""
    return url.scheme in ("http", "https") and not url.userinfo


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
        return cls(url, is_plain(url), url.netloc, (url.raw_host.decode("ascii"), port), scope)


def scope_of(request: httpx2.Request, target: Target, connection: Connection, state: dict[str, Any]) -> Scope:
    """Build the scope of a request.

    Args:
        request: The request, complete with its headers.
        target: What its URL says.
        connection: What it is said to come through.
        state: What the lifespan left for requests; the application gets a shallow copy.
    """
    headers = [(name.lower(), value) for name, value in request.headers.raw]
    if not any(name == b"host" for name, _ in headers):
        headers.insert(0, (b"host", target.host))
    scope = {
        **target.scope,
        "asgi": ASGI_VERSION.copy(),
        "http_version": connection.http_version,
        "root_path": connection.root_path,
        "headers": headers,
        "client": connection.client,
        "server": [*target.server],
        "state": state.copy(),
    }
    if scope["type"] == "websocket":
        asked = request.headers.get("sec-websocket-protocol", "")
        scope["subprotocols"] = [name.strip() for name in asked.split(",") if name.strip()]
        scope["extensions"] = {"websocket.http.response": {}}
    else:
        scope["method"] = request.method
        scope["extensions"] = {name: {} for name in (*_OFFERED, *connection.extensions)}
    return scope
