"""The same applications behind uvicorn: status, headers, body, cookies and the order of events are the same.

Differences, each wanted: a server adds ``date``, ``server`` and the framing of the body; it sends what an application
has already written when the application fails after that, where the client's default is to raise the error; and a
server's buffers let an application run ahead by 64 KiB, where a response here waits for each piece to be taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

from hermetic.client._asgi import ASGI3App, Receive, Scope, Send
from tests.client.apps import body, echo_chunks, echo_messages, hello, start
from tests.client.servers import compare, seen
from tests.client.test_differential import service


async def echo_scope(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what of the scope does not depend on the connection."""
    shown = {
        key: scope[key]
        for key in ("type", "method", "path", "raw_path", "query_string", "root_path", "scheme")
    }
    names = sorted(name.decode() for name, _ in scope["headers"])
    state = sorted(scope.get("state", {}))
    text = repr((shown, scope["http_version"], names, state)).encode()
    await start(send, headers=[(b"content-length", b"%d" % len(text))])
    await body(send, text)


def responds(status: int = 200, headers: list[tuple[bytes, bytes]] | None = None, *pieces: bytes) -> ASGI3App:
    """Make an application with this response."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, status, headers)
        for piece in pieces:
            await body(send, piece, more=True)
        await body(send)

    return app


async def reads_then_waits(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the whole body, answer, and hear of the end."""
    await receive()
    await start(send, headers=[(b"content-length", b"0")])
    await body(send)
    await receive()


async def fails_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    """Raise before any response."""
    raise LookupError


async def fails_after_whole(scope: Scope, receive: Receive, send: Send) -> None:
    """Raise when all is sent."""
    await hello(scope, receive, send)
    raise LookupError


async def gives_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Return without a response."""


def of_starlette(*middleware: Middleware) -> Callable[[], ASGI3App]:
    """Make a small application of Starlette."""

    async def text(request: Any) -> Any:
        return PlainTextResponse("x" * 2000)

    async def pieces(request: Any) -> Any:
        async def content() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"piece"
                await asyncio.sleep(0)

        return StreamingResponse(content())

    async def echo(request: Any) -> Any:
        return JSONResponse({"body": (await request.body()).decode(), "query": dict(request.query_params)})

    routes = [Route("/", text), Route("/pieces", pieces), Route("/echo", echo, methods=["POST", "PUT"])]
    return lambda: Starlette(routes=routes, middleware=list(middleware))


def with_lifespan_state() -> ASGI3App:
    """Make an application whose lifespan leaves something for requests."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["answer"] = 42
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await echo_scope(scope, receive, send)

    return app


async def pieces() -> AsyncIterator[bytes]:
    """Give a body piece by piece."""
    for piece in (b"one ", b"two ", b"three"):
        yield piece


def plain(app: ASGI3App) -> Callable[[], ASGI3App]:
    """Return an application that answers HTTP alone, and raises at a lifespan, as the specification asks."""

    async def of_http(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await app(scope, receive, send)

    return lambda: of_http


def api() -> ASGI3App:
    """Make the application of the comparison with ``TestClient``."""
    made: FastAPI = service()
    return made


CASES: dict[str, tuple[Callable[[], ASGI3App], str, str, dict[str, Any]]] = {
    "hello": (plain(hello), "GET", "/", {}),
    "head": (plain(hello), "HEAD", "/", {}),
    "no body": (plain(responds(204)), "GET", "/", {}),
    "not modified": (plain(responds(304, [(b"etag", b'"a"')])), "GET", "/", {}),
    "an unusual status": (plain(responds(418)), "GET", "/", {}),
    "headers repeated": (plain(responds(200, [(b"x-a", b"1"), (b"x-a", b"2")])), "GET", "/", {}),
    "headers in capitals": (plain(responds(200, [(b"X-Caps", b"1")])), "GET", "/", {}),
    "a header of latin-1": (plain(responds(200, [(b"x-a", "ü".encode("latin-1"))])), "GET", "/", {}),
    "cookies": (
        plain(responds(200, [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2; Path=/")])),
        "GET",
        "/",
        {},
    ),
    "pieces": (plain(responds(200, None, b"a", b"b", b"c")), "GET", "/", {}),
    "an empty piece": (plain(responds(200, None, b"a", b"", b"c")), "GET", "/", {}),
    "bytes of all kinds": (plain(responds(200, None, bytes(range(256)))), "GET", "/", {}),
    "a large body": (plain(responds(200, None, bytes(300_000))), "GET", "/", {}),
    "scope": (plain(echo_scope), "GET", "/a/b?x=1&y=2", {}),
    "scope: escapes": (plain(echo_scope), "GET", "/a%20b/%2F/%C3%BC?q=%20", {}),
    "scope: escaped twice": (plain(echo_scope), "GET", "/%2520", {}),
    "scope: doubled slashes": (plain(echo_scope), "GET", "/a//b/", {}),
    "scope: dots": (plain(echo_scope), "GET", "/a/./b;c=d", {}),
    "scope: an empty query": (plain(echo_scope), "GET", "/?", {}),
    "scope: parameters": (plain(echo_scope), "GET", "/", {"params": {"a": "ü &", "b": ["1", "2"]}}),
    "scope: a header": (plain(echo_scope), "GET", "/", {"headers": {"X-Mine": "1"}}),
    "scope: authentication": (plain(echo_scope), "GET", "/", {"auth": ("u", "p")}),
    "scope: json": (plain(echo_scope), "POST", "/", {"json": {}}),
    "state of the lifespan": (with_lifespan_state, "GET", "/", {}),
    "an error before the response, if shown": (plain(gives_nothing), "GET", "/", {}),
    "an error before the response": (plain(fails_at_once), "GET", "/", {}),
    "an error after the response": (plain(fails_after_whole), "GET", "/", {}),
    "the end is heard": (plain(reads_then_waits), "GET", "/", {}),
    "echo: nothing": (plain(echo_messages), "POST", "/", {}),
    "echo: bytes": (plain(echo_messages), "POST", "/", {"content": b"abc"}),
    "echo: text": (plain(echo_messages), "PUT", "/", {"content": "ü"}),
    "echo: a form": (plain(echo_messages), "POST", "/", {"data": {"a": "1", "b": "ü"}}),
    "echo: pieces": (plain(echo_messages), "POST", "/", {"content": pieces}),
    "echo: large": (plain(echo_messages), "POST", "/", {"content": bytes(200_000)}),
    "echo: full duplex": (plain(echo_chunks), "POST", "/", {"content": pieces}),
    "starlette": (of_starlette(), "GET", "/", {}),
    "starlette: head": (of_starlette(), "HEAD", "/", {}),
    "starlette: streaming": (of_starlette(), "GET", "/pieces", {}),
    "starlette: not found": (of_starlette(), "GET", "/nowhere", {}),
    "starlette: method": (of_starlette(), "POST", "/", {}),
    "starlette: echo": (of_starlette(), "POST", "/echo?a=1", {"content": "ü"}),
    "starlette: gzip": (of_starlette(Middleware(GZipMiddleware)), "GET", "/", {}),
    "starlette: slash": (of_starlette(), "GET", "/pieces/", {"follow_redirects": False}),
    "fastapi: item": (api, "GET", "/items/1?q=a%20b", {}),
    "fastapi: validation": (api, "GET", "/items/x", {}),
    "fastapi: bad json": (api, "POST", "/items", {"content": b"{"}),
    "fastapi: json": (api, "POST", "/items", {"json": {"a": [1, None, "ü"]}}),
    "fastapi: put": (api, "PUT", "/raw", {"content": b"x"}),
    "fastapi: patch": (api, "PATCH", "/raw", {}),
    "fastapi: delete": (api, "DELETE", "/raw", {}),
    "fastapi: options": (api, "OPTIONS", "/raw", {}),
    "fastapi: head": (api, "HEAD", "/raw", {}),
    "fastapi: login": (api, "GET", "/login", {}),
    "fastapi: cookies": (api, "GET", "/me", {"headers": {"cookie": "a=1; b=2"}}),
    "fastapi: redirects": (api, "GET", "/hops/3", {}),
    "fastapi: a redirected body": (api, "POST", "/moved/307", {"content": b"kept"}),
    "fastapi: see other": (api, "POST", "/moved/303", {"content": b"lost"}),
    "fastapi: stream": (api, "GET", "/stream", {}),
    "fastapi: boom": (api, "GET", "/boom", {}),
    "fastapi: teapot": (api, "GET", "/teapot", {}),
    "fastapi: background": (api, "GET", "/background", {}),
    "fastapi: basic": (api, "GET", "/basic", {"auth": ("u", "p")}),
    "fastapi: no basic": (api, "GET", "/basic", {}),
}


CUT_OTHERWISE = frozenset({"echo: pieces", "echo: large", "echo: full duplex"})
"""A server cuts a body as the socket gives it; here the pieces are those of the test."""
SEVERAL = frozenset({"fastapi: redirects", "fastapi: see other", "fastapi: a redirected body"})
"""Behind a server the next request may begin before the last has ended; here the client waits for its end."""


@pytest.mark.parametrize("name", CASES)
def test_a_server_gives_the_same(name: str) -> None:
    """What the client sees, and what the application receives and sends, in order."""
    app, method, url, options = CASES[name]

    async def request(client: httpx2.AsyncClient) -> Any:
        given = {key: value() if callable(value) else value for key, value in options.items()}
        return seen(await client.request(method, url, **given))

    ours, theirs = compare(app, request)
    if "error before" in name:  # a server words its 500; ours is bare
        for found in (ours[0], theirs[0]):
            found.update(body=b"", headers=[])
    if name in CUT_OTHERWISE | SEVERAL:
        ours, theirs = ((found, sorted(set(events))) for found, events in (ours, theirs))
    assert ours == theirs
