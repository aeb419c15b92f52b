"""What is told of the calls of an application: begin and end, by whose request, whoever calls it."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from hermetic import calls
from hermetic.calls import ErrorBody, StreamNeverEnds, secure_cookies
from hermetic.client import AsyncTestClient
from hermetic.events.application import (
    BODY,
    LifespanBegan,
    LifespanEnded,
    LifespanStarted,
    RequestBegan,
    RequestEnded,
    WebsocketBegan,
    WebsocketEnded,
)
from hermetic.guards.applications import ApplicationWatch
from hermetic.owners import Owner, owned_by
from tests.hearing import Heard, hearing

KINDS = (
    RequestBegan,
    RequestEnded,
    WebsocketBegan,
    WebsocketEnded,
    LifespanBegan,
    LifespanStarted,
    LifespanEnded,
)
TEST = Owner("test_it", "test", "function")


async def hello(request: Any) -> PlainTextResponse:
    """Answer, or fail."""
    if request.url.path.endswith("fails"):
        raise ZeroDivisionError
    return PlainTextResponse("hello", status_code=201)


async def socket(socket: WebSocket) -> None:
    """Accept and close."""
    await socket.accept()
    await socket.close(4001)


ROUTES = [Route("/hello", hello, methods=["GET"]), Route("/fails", hello), WebSocketRoute("/socket", socket)]
APP = Starlette(routes=[*ROUTES, Mount("/below", Starlette(routes=ROUTES))])


@pytest.fixture(autouse=True)
def watched() -> Iterator[None]:
    """Have Starlette's applications watched, as in a run."""
    watch = ApplicationWatch()
    watch.install()
    yield
    watch.uninstall()


def by_our_client(app: Any, *paths: str) -> None:
    """Send requests by the client of hermetic's."""

    async def main() -> None:
        async with AsyncTestClient(app, raise_server_exceptions=False) as client:
            for path in paths:
                await client.get(path)

    asyncio.run(main())


def by_starlette(app: Any, *paths: str) -> None:
    """Send requests by Starlette's client."""
    with TestClient(app, raise_server_exceptions=False) as client:
        for path in paths:
            client.get(path)


def by_httpx(app: Any, *paths: str) -> None:
    """Send requests by httpx's transport, without a lifespan."""

    async def main() -> None:
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://t") as client:
            for path in paths:
                await client.get(path)

    asyncio.run(main())


def heard(send: Callable[..., None], *paths: str, app: Any = APP) -> Heard:
    """Return what is told while a test sends requests."""
    with hearing(*KINDS) as told, owned_by(TEST, everywhere=True):
        send(app, *paths)
    return told


SENDERS = [by_our_client, by_starlette, by_httpx]


@pytest.mark.parametrize("send", SENDERS)
def test_a_request(send: Callable[..., None]) -> None:
    """It begins once and ends once, with its status, and is the test's."""
    told = heard(send, "/hello?secret=1")
    (began,), (ended,) = told.of(RequestBegan), told.of(RequestEnded)
    assert (began.method, began.path) == ("GET", "/hello")
    assert ended[:4] == (began.owner, "GET", "/hello", 201)
    assert (ended.error, ended.owner.kind, ended.owner.parent) == ("", "request", TEST)
    assert 0 < ended.seconds < 60


@pytest.mark.parametrize("kind", [RequestBegan, RequestEnded])
def test_one_kind_alone(kind: type) -> None:
    """Who listens to one is told of no other."""
    with hearing(kind) as told, owned_by(TEST, everywhere=True):
        by_our_client(APP, "/hello")
    assert [type(each) for each in told] == [kind]


def test_a_redirect() -> None:
    """Where to is told."""
    (ended,) = heard(by_httpx, "/below").of(RequestEnded)
    assert (ended.status, ended.redirected_to) == (307, "http://t/below/")


def test_secure_cookies() -> None:
    """Their names; not of one that is deleted, which browsers and clients want to be Secure as well."""
    answers = [b"sid=1; Path=/; Secure", b"theme=dark", b'old=""; Max-Age=0; Secure']
    assert secure_cookies([(b"set-cookie", each) for each in answers]) == ("sid",)


@pytest.mark.parametrize("send", SENDERS)
def test_a_request_that_fails(send: Callable[..., None]) -> None:
    """The name of the error is told, and no more of it; Starlette's own 500 is sent before."""
    (ended,) = heard(send, "/fails").of(RequestEnded)
    assert (ended.error, ended.status) == ("ZeroDivisionError", 500)


@pytest.mark.parametrize("send", SENDERS)
def test_a_mounted_application(send: Callable[..., None]) -> None:
    """A request to it is one request."""
    assert [each.path for each in heard(send, "/below/hello").of(RequestEnded)] == ["/below/hello"]


def test_an_application_that_is_not_starlettes() -> None:
    """Our client tells of any."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    (ended,) = heard(by_our_client, "/", app=app).of(RequestEnded)
    assert (ended.status, ended.error) == (204, "")


@pytest.mark.parametrize("send", [by_our_client, by_starlette])
def test_a_lifespan(send: Callable[..., None]) -> None:
    """It begins, has started and ends: once, around the requests."""
    told = heard(send, "/hello")
    assert [type(event) for event in told] == [
        LifespanBegan,
        LifespanStarted,
        RequestBegan,
        RequestEnded,
        LifespanEnded,
    ]
    (began,), (started,), (ended,) = told.of(LifespanBegan), told.of(LifespanStarted), told.of(LifespanEnded)
    assert began.owner is started.owner is ended.owner
    assert (began.owner.kind, began.owner.parent, ended.error) == ("lifespan", TEST, "")


def test_a_websocket_of_our_client() -> None:
    """It is told with the code that it was closed with."""

    async def main() -> None:
        async with AsyncTestClient(APP) as client, client.websocket_connect("/socket") as socket:
            await socket.receive()

    with hearing(*KINDS) as told, owned_by(TEST, everywhere=True):
        asyncio.run(main())
    (began,), (ended,) = told.of(WebsocketBegan), told.of(WebsocketEnded)
    assert (began.path, ended.path, ended.code, ended.error) == ("/socket", "/socket", 4001, "")
    assert began.owner is ended.owner
    assert (ended.owner.kind, ended.owner.parent) == ("request", TEST)


async def refuse(request: Any) -> Response:
    """Answer as the query asks for."""
    kind, status = request.query_params["kind"], int(request.query_params.get("status", "409"))
    headers = {"content-type": kind} | (
        {"content-encoding": "gzip"} if "gzip" in request.query_params else {}
    )
    data = b'{"detail": "taken"}' * int(request.query_params.get("times", "1"))
    return Response(gzip.compress(data) if "gzip" in request.query_params else data, status, headers)


REFUSING = Starlette(routes=[Route("/refuse", refuse)])


@pytest.mark.parametrize("send", SENDERS)
def test_the_body_of_an_error(send: Callable[..., None]) -> None:
    """It is told as it is, with the query; that of a good answer is not kept."""
    paths = [f"/refuse?kind=application/json&status={status}" for status in (409, 200)]
    refused, good = heard(send, *paths, app=REFUSING).of(RequestEnded)
    assert (refused.body, refused.query) == ('{"detail": "taken"}', "kind=application/json&status=409")
    assert good.body == ""


def test_a_body_that_is_no_text() -> None:
    """Nothing is told of it; one that is compressed is read, and all are bounded."""
    ways = (
        "kind=image/png",
        "kind=text/plain&gzip=1",
        "kind=text/plain&times=10000",
        "kind=text/plain&gzip=1&times=10000",
    )
    bodies = [
        each.body
        for each in heard(by_our_client, *(f"/refuse?{way}" for way in ways), app=REFUSING).of(RequestEnded)
    ]
    assert bodies[:2] == ["", '{"detail": "taken"}']
    assert [len(each) for each in bodies[2:]] == [BODY, BODY]


def test_an_encoding_that_is_not_what_it_says() -> None:
    """Nothing is told of the body."""
    for encoding in (b"gzip", b"br"):
        body = ErrorBody([(b"content-type", b"text/plain"), (b"content-encoding", encoding)])
        body.add(b"no such thing")
        assert body.text() == ""


async def ticks() -> AsyncIterator[str]:
    """Send for as long as anybody listens."""
    while True:
        yield "data: tick\n\n"
        await asyncio.sleep(0)


async def endless(request: Any) -> StreamingResponse:
    """Answer by that."""
    return StreamingResponse(ticks(), media_type=request.query_params["type"])


async def short(request: Any) -> StreamingResponse:
    """Answer in two parts."""
    return StreamingResponse(iter(["one", "two"]), media_type="text/event-stream")


STREAMS = Starlette(routes=[Route("/ticks", endless), Route("/short", short)])


def collected(path: str) -> str:
    """Return the answer of a client that collects it."""

    async def get() -> str:
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(STREAMS), base_url="http://test"
        ) as client:
            return (await client.get(path)).text

    with owned_by(TEST), hearing(*KINDS):
        return asyncio.run(get())


@pytest.mark.parametrize(("kind", "limit"), [("text/event-stream", "EVENTS"), ("text/plain", "OTHERS")])
def test_a_stream_without_an_end(monkeypatch: pytest.MonkeyPatch, kind: str, limit: str) -> None:
    """It is ended after a while, and named, with its endpoint and what gives each part away."""
    monkeypatch.setattr(calls, limit, 0.0)
    with pytest.raises(StreamNeverEnds) as caught:
        collected(f"/ticks?type={kind}")
    line = endless.__code__.co_firstlineno
    assert str(caught.value).startswith(f"GET /ticks ({__file__}:{line}) has sent ")
    assert 'change: async with async_client.stream("GET", "/ticks")' in str(caught.value)


def test_a_stream_with_an_end() -> None:
    """It has the time that it needs."""
    assert collected("/short") == "onetwo"


def test_a_client_that_gives_each_part_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may read for as long as it likes."""
    monkeypatch.setattr(calls, "EVENTS", 0.0)

    async def read() -> list[str]:
        async with AsyncTestClient(STREAMS).stream("GET", "/ticks?type=text/event-stream") as answer:
            lines = answer.aiter_lines()
            return [await anext(lines) for _ in range(20)]

    with owned_by(TEST), hearing(*KINDS):
        assert asyncio.run(read())[0] == "data: tick"
