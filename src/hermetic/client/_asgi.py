"""What the client says to an application: ASGI types, scopes, and version 2 applications made version 3.

The scopes are those of Starlette's ``TestClient`` with two differences, both towards what servers send: the key
``asgi`` is there, as the specification asks, and a path is percent-decoded once (``TestClient`` decodes it twice).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, MutableMapping
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
    return [(_raw(name), _raw(value)) for name, value in message.get("headers") or []]


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


def scope_of(request: httpx2.Request, connection: Connection, state: dict[str, Any]) -> Scope:
    """Build the scope of a request, of HTTP or, by its URL, of a websocket.

    Args:
        request: The request, complete with its headers.
        connection: What it is said to come through.
        state: What the lifespan left for requests; the application gets a shallow copy.

    Raises:
        httpx2.UnsupportedProtocol: The URL is neither of HTTP nor of a websocket.
    """
    __tracebackhide__ = True
    url = request.url
    if url.scheme not in _PORTS:
        message = f"AsyncTestClient sends http and https requests, not {str(url)!r}"
        raise httpx2.UnsupportedProtocol(message, request=request)
    headers = [(name.lower(), value) for name, value in request.headers.raw]
    if "host" not in request.headers:
        headers.insert(0, (b"host", url.netloc))
    scope = {
        "type": "http",
        "asgi": ASGI_VERSION.copy(),
        "http_version": connection.http_version,
        "method": request.method,
        "path": url.path,
        "raw_path": url.raw_path.split(b"?", 1)[0],
        "root_path": connection.root_path,
        "scheme": url.scheme,
        "query_string": url.query,
        "headers": headers,
        "client": connection.client,
        "server": [url.raw_host.decode("ascii"), _PORTS[url.scheme] if url.port is None else url.port],
        "extensions": {name: {} for name in (*_OFFERED, *connection.extensions)},
        "state": state.copy(),
    }
    return _websocket(scope, request) if url.scheme in ("ws", "wss") else scope


def _websocket(scope: dict[str, Any], request: httpx2.Request) -> Scope:
    del scope["method"]
    asked = request.headers.get("sec-websocket-protocol", "")
    return scope | {
        "type": "websocket",
        "subprotocols": [name.strip() for name in asked.split(",") if name.strip()],
        "extensions": {"websocket.http.response": {}},
    }
