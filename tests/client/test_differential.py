"""The same applications behind Starlette's ``TestClient`` and behind ours: what a test can see must be the same.

Known differences, each with a test of its own elsewhere: ``scope["asgi"]`` is there, a path is decoded once, and
a response that was sent but not read is waited for.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.testclient import TestClient

from hermetic import AsyncTestClient
from tests.client import apps

EXPIRES = re.compile(r"expires=[^;]*")  # a deleted cookie's moment of death is now
MULTIPART = {"content-type": "multipart/form-data; boundary=b"}


def service() -> FastAPI:
    """Make an application that does what applications do."""
    app = FastAPI()
    app.state.log = []

    @app.middleware("http")
    async def tag(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers["x-tag"] = request.url.path
        return response

    @app.get("/items/{item}")
    async def item(item: int, q: str | None = None) -> dict[str, Any]:
        return {"item": item, "q": q}

    @app.post("/items", status_code=201)
    async def create(payload: dict[str, Any]) -> dict[str, Any]:
        return payload

    @app.api_route("/raw", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
    async def raw(request: Request) -> Response:
        return Response(request.method.encode() + b" " + await request.body())

    @app.get("/login")
    async def login(response: Response) -> None:
        response.set_cookie("session", "s1", httponly=True)
        response.set_cookie("theme", "dark", path="/", max_age=100)

    @app.get("/logout")
    async def logout(response: Response) -> None:
        response.delete_cookie("session")

    @app.get("/me")
    async def me(request: Request) -> dict[str, str]:
        return request.cookies

    @app.get("/hops/{left}")
    async def hops(left: int) -> Response:
        return RedirectResponse(f"/hops/{left - 1}") if left else Response("there")

    @app.post("/moved/{status}")
    async def moved(status: int) -> Response:
        return RedirectResponse("/raw", status_code=status)

    @app.get("/loop")
    async def loop() -> Response:
        return RedirectResponse("/loop")

    @app.get("/stream")
    async def stream() -> Response:
        return StreamingResponse(iter(["a", "b", "c"]), media_type="text/plain")

    @app.get("/broken-stream")
    async def broken_stream() -> Response:
        def chunks() -> Iterator[str]:
            yield "a"
            raise ValueError("mid-stream")

        return StreamingResponse(chunks())

    @app.get("/boom")
    async def boom() -> None:
        raise ValueError("boom")

    @app.get("/teapot")
    def teapot() -> None:
        raise HTTPException(418, "short and stout", headers={"x-pot": "tea"})

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> dict[str, int]:
        tasks.add_task(app.state.log.append, "done")
        return {"before": len(app.state.log)}

    @app.get("/broken-background")
    async def broken_background(tasks: BackgroundTasks) -> None:
        def fail() -> None:
            raise LookupError("later")

        tasks.add_task(fail)

    @app.get("/basic")
    async def basic(who: HTTPBasicCredentials = Depends(HTTPBasic())) -> str:  # noqa: B008
        return who.username

    @app.get("/headers")
    async def headers(request: Request) -> list[tuple[str, str]]:
        return sorted(request.headers.items())

    @app.get("/url")
    async def url(request: Request) -> list[str]:
        return [str(request.url), str(request.base_url), str(request.client)]

    @app.exception_handler(LookupError)
    async def on_lookup_error(request: Request, error: LookupError) -> Response:
        return Response("looked up", status_code=404)

    return app


class Middle(BaseHTTPMiddleware):
    """A middleware that hands on."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Hand on."""
        return await call_next(request)


def in_middleware() -> Any:
    """Put the scope's echo behind a middleware with a body stream of its own."""
    return Middle(apps.echo_scope)


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    url: str
    options: dict[str, Any] = field(default_factory=dict)


def call(method: str, url: str, **options: Any) -> Call:
    """Write a request as one would send it."""
    return Call(method, url, options)


def seen(response: Any) -> dict[str, Any]:
    """List what a test can see of a response."""
    body = response.content
    if body.startswith(b'{"type": "http"'):
        scope = json.loads(body)
        scope.pop("asgi", None)
        body = scope
    return {
        "status": response.status_code,
        "headers": [
            (name, EXPIRES.sub("", value))
            for name, value in response.headers.multi_items()
            if name not in ("content-length", "date")
        ],
        "body": body,
        "cookies": sorted(response.cookies.items()),
        "url": str(response.url),
        "sent": sorted(response.request.headers.multi_items()),
        "history": [(past.status_code, str(past.url)) for past in response.history],
        "next": str(response.next_request and response.next_request.url),
        "extensions": sorted(set(response.extensions)),
        "encoding": response.encoding,
        "version": response.http_version,
    }


def fresh(options: dict[str, Any]) -> dict[str, Any]:
    """Make the options of one request anew: generators and files are used up."""
    return {name: value() if callable(value) else value for name, value in options.items()}


def outcome(error: BaseException) -> dict[str, Any]:
    """List what a test can see of an error."""
    return {"error": type(error).__name__, "text": str(error)}


def with_testclient(
    app: Any, arguments: dict[str, Any], calls: list[Call], *, enter: bool
) -> list[dict[str, Any]]:
    """Send the requests through Starlette's client."""
    found = []
    client = TestClient(app, **arguments)
    if enter:
        client.__enter__()
    for one in calls:
        try:
            found.append(seen(client.request(one.method, one.url, **fresh(one.options))))
        except Exception as error:
            found.append(outcome(error))
    if enter:
        client.__exit__()
    return [*found, {"jar": sorted(client.cookies.items())}]


def with_ours(app: Any, arguments: dict[str, Any], calls: list[Call], *, enter: bool) -> list[dict[str, Any]]:
    """Send the requests through ours."""

    async def main() -> list[dict[str, Any]]:
        found = []
        client = AsyncTestClient(app, **arguments)
        if enter:
            await client.__aenter__()
        for one in calls:
            try:
                found.append(seen(await client.request(one.method, one.url, **fresh(one.options))))
            except Exception as error:
                found.append(outcome(error))
        if enter:
            await client.__aexit__()
        return [*found, {"jar": sorted(client.cookies.items())}]

    return asyncio.run(main())


def chunks() -> Iterator[bytes]:
    """Give a body piece by piece."""
    yield from (b"one ", b"two")


CASES: dict[str, tuple[Callable[[], Any], dict[str, Any], list[Call]]] = {
    "get": (service, {}, [call("GET", "/items/1?q=a b"), call("GET", "/items/1", params={"q": "ü"})]),
    "validation": (service, {}, [call("GET", "/items/x"), call("POST", "/items", content=b"{")]),
    "not found": (service, {}, [call("GET", "/nowhere"), call("DELETE", "/items/1")]),
    "json": (service, {}, [call("POST", "/items", json={"a": [1, None, "ü"]})]),
    "methods": (
        service,
        {},
        [call(m, "/raw") for m in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")],
    ),
    "bodies": (
        service,
        {},
        [
            call("POST", "/raw", content="text"),
            call("POST", "/raw", content=b""),
            call("POST", "/raw", content=chunks),
            call("POST", "/raw", content=lambda: io.BytesIO(b"file")),
            call("POST", "/raw", data={"a": "1", "b": ["2", "3"]}),
            call("POST", "/raw", data={"a": "1"}, files={"f": ("n.txt", b"content")}, headers=MULTIPART),
            call("POST", "/raw", files={"file": ("n.bin", b"\x00" * 100_000)}, headers=MULTIPART),
        ],
    ),
    "cookies": (
        service,
        {"cookies": {"first": "1"}},
        [
            call("GET", "/me"),
            call("GET", "/login"),
            call("GET", "/me"),
            call("GET", "/logout"),
            call("GET", "/me"),
        ],
    ),
    "redirects": (service, {}, [call("GET", "/hops/3"), call("GET", "/hops/3", follow_redirects=False)]),
    "redirects off": (service, {"follow_redirects": False}, [call("GET", "/hops/1"), call("GET", "/loop")]),
    "redirect loop": (service, {}, [call("GET", "/loop")]),
    "redirected bodies": (
        service,
        {},
        [call("POST", f"/moved/{status}", content=b"kept?") for status in (301, 302, 303, 307, 308)],
    ),
    "stream": (service, {}, [call("GET", "/stream"), call("HEAD", "/stream")]),
    "errors": (
        service,
        {},
        [
            call("GET", "/boom"),
            call("GET", "/teapot"),
            call("GET", "/broken-stream"),
            call("GET", "/broken-background"),
        ],
    ),
    "errors as responses": (
        service,
        {"raise_server_exceptions": False},
        [call("GET", "/boom"), call("GET", "/broken-stream"), call("GET", "/broken-background")],
    ),
    "background": (service, {}, [call("GET", "/background"), call("GET", "/background")]),
    "basic": (
        service,
        {},
        [
            call("GET", "/basic"),
            call("GET", "/basic", auth=("u", "p")),
            call("GET", "http://a:b@testserver/basic"),
        ],
    ),
    "headers": (
        service,
        {"headers": {"x-a": "1"}},
        [call("GET", "/headers", headers={"X-B": "2", "host": "other"})],
    ),
    "urls": (
        service,
        {"base_url": "https://example.org:444/", "client": ("1.2.3.4", 5)},
        [call("GET", "/url"), call("GET", "http://elsewhere/url")],
    ),
    "scope": (
        lambda: apps.echo_scope,
        {"root_path": "/root", "base_url": "http://h/base"},
        [
            call("GET", "/a/%20/ü?x=1&y=%20"),
            call("POST", "b", json={}),
            call("GET", "https://other.example/c;d?e#f"),
            call("GET", "//double//slash"),
        ],
    ),
    "middleware": (in_middleware, {}, [call("GET", "/"), call("POST", "/", content=chunks)]),
    "no response": (lambda: apps.sends(), {"raise_server_exceptions": False}, [call("GET", "/")]),
    "half a response": (
        lambda: apps.sends(apps.START, {"type": "http.response.body", "body": b"half", "more_body": True}),
        {},
        [call("GET", "/")],
    ),
    "debug": (
        lambda: apps.sends(
            {"type": "http.response.debug", "info": {"a": 1}},
            apps.START,
            {"type": "http.response.body", "body": b"x"},
        ),
        {},
        [call("GET", "/")],
    ),
    "breaches": (lambda: apps.sends(apps.START, apps.START), {}, [call("GET", "/")]),
    "early body": (lambda: apps.sends({"type": "http.response.body"}), {}, [call("GET", "/")]),
    "late body": (
        lambda: apps.sends(apps.START, {"type": "http.response.body"}, {"type": "http.response.body"}),
        {},
        [call("GET", "/")],
    ),
    "trailers": (
        lambda: apps.sends(
            {**apps.START, "trailers": True},
            {"type": "http.response.body", "body": b"x"},
            {"type": "http.response.trailers", "headers": [(b"a", b"b")]},
        ),
        {},
        [call("GET", "/")],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_test_sees_the_same(name: str) -> None:
    """Statuses, headers, bodies, cookies, redirects, errors and scopes are those of TestClient."""
    make, arguments, calls = CASES[name]
    expected = with_testclient(make(), arguments, calls, enter=False)
    assert with_ours(make(), arguments, calls, enter=False) == expected


@pytest.mark.parametrize("name", [name for name, (make, _, _) in CASES.items() if make is service])
def test_a_test_that_enters_its_client_sees_the_same(name: str) -> None:
    """The same with the lifespan running, for the applications that have one."""
    make, arguments, calls = CASES[name]
    expected = with_testclient(make(), arguments, calls, enter=True)
    assert with_ours(make(), arguments, calls, enter=True) == expected
