"""The short way of a request and the long one through all of httpx2: nobody can tell which was taken.

What the short way does itself (build a request, read a response) is compared with an ``httpx2.AsyncClient`` that has
the same transport and takes no short way, for any request, any answer and any client.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import logging
import socket
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermetic import AsyncTestClient
from hermetic.client import _httpx2, _request, _transport
from hermetic.client._asgi import Receive, Scope, Send
from hermetic.client._request import KEPT
from hermetic.client._transport import SingleLabelPolicy
from tests.client.apps import body, echo_scope, hello, start
from tests.client.conftest import Run


async def mark(message: httpx2.Request | httpx2.Response) -> None:
    """Leave a trace, as a hook may."""
    message.headers["x-hook"] = "was here"


URLS = st.sampled_from(
    [
        "/",
        "",
        "/a%20b",
        "x/y?q=1",
        "/ü",
        "?q=ü",
        "/#there",
        "http://testserver/",
        "https://other:8443/x",
        "//else/x",
    ]
)
NAMES = st.sampled_from(["X-One", "x-two", "User-Agent", "Host", "Accept", "Authorization", "content-type"])
HEADERS = st.one_of(
    st.dictionaries(NAMES, st.sampled_from(["a", "text/plain", "b, c"]), max_size=3),
    st.lists(st.tuples(NAMES, st.sampled_from(["a", "b"])), max_size=3),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda each: st.lists(each), max_leaves=4
)
QUERIES = st.dictionaries(st.sampled_from("pq"), st.sampled_from(["1", "a b", ""]), max_size=2)
AUTH = st.sampled_from([("user", "secret"), None])
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "json": JSON,
        "headers": HEADERS,
        "params": QUERIES,
        "content": st.sampled_from([b"", b"bytes", "text"]),
        "data": st.just({"field": "value"}),
        "files": st.just({"file": b"content"}),
        "auth": AUTH,
        "follow_redirects": st.booleans(),
        "timeout": st.sampled_from([None, 5.0]),
        "extensions": st.just({"mine": 1}),
    },
)
CLIENTS = st.fixed_dictionaries(
    {},
    optional={
        "base_url": st.sampled_from(
            ["http://testserver/api", "https://one:444", "http://user:word@testserver"]
        ),
        "headers": HEADERS,
        "params": QUERIES,
        "auth": AUTH,
        "cookies": st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"), max_size=2),
        "timeout": st.sampled_from([None, 5.0]),
        "max_redirects": st.integers(0, 2),
        "default_encoding": st.sampled_from(["latin-1", lambda content: "utf-16" if content else None]),
        "event_hooks": st.just({"request": [mark], "response": [mark]}),
    },
)
ANSWERS = st.fixed_dictionaries(
    {
        "status": st.sampled_from([200, 201, 204, 301, 303, 307, 304, 404, 500]),
        "headers": st.lists(
            st.sampled_from(
                [
                    ("Content-Type", "text/plain; charset=utf-8"),
                    ("set-cookie", "session=1; Path=/"),
                    ("Set-Cookie", "other=2; Domain=testserver"),
                    ("location", "/end"),
                    ("Location", "http://elsewhere/"),
                    ("content-encoding", "gzip"),
                    ("content-encoding", "identity"),
                ]
            ),
            max_size=4,
        ),
        "body": st.lists(
            st.sampled_from([b"", b"one", "zwö".encode(), gzip.compress(b"packed", mtime=0)]), max_size=3
        ),
        "fails": st.sampled_from([None, "before", "between", "after"]),
    }
)


def answering(answer: dict[str, Any]) -> tuple[Any, list[Any]]:
    """Make an application that answers so, but at ``/end`` plainly; return it with the list of what it is asked."""
    asked: list[Any] = []

    def fail(when: str) -> None:
        if answer["fails"] == when:
            raise LookupError(when)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(({**scope}, await receive()))
        if scope["path"].endswith("/end"):
            return await hello(scope, receive, send)
        fail("before")
        await start(send, answer["status"], [(k.encode(), v.encode()) for k, v in answer["headers"]])
        for chunk in answer["body"]:
            await body(send, chunk, more=True)
        fail("between")
        await body(send)
        fail("after")

    return app, asked


def without_short_way(client: AsyncTestClient) -> httpx2.AsyncClient:
    """Return httpx2's own client, set up as this one is."""
    long = httpx2.AsyncClient(
        transport=client._in_loop,
        base_url=client.base_url,
        headers=client.headers,
        params=client.params,
        auth=client.auth,
        cookies=dict(client.cookies),
        timeout=client.timeout,
        follow_redirects=client.follow_redirects,
        max_redirects=client.max_redirects,
        default_encoding=client._text_encoding,
        event_hooks=client.event_hooks,
    )
    long.cookies.jar.set_policy(SingleLabelPolicy())
    return long


def kept(cookies: httpx2.Cookies) -> list[tuple[Any, ...]]:
    """Return what a jar holds."""
    return sorted((each.domain, each.path, each.name, each.value) for each in cookies.jar)


def shown(response: httpx2.Response) -> dict[str, Any]:
    """Return all that a test can ask a response for, of what does not depend on time."""
    content_type = response.request.headers.get("content-type", "")
    multipart = content_type.startswith("multipart/")  # with a boundary of its own each time
    return {
        "status": (response.status_code, response.reason_phrase, response.http_version),
        "headers": (response.headers.raw, response.headers.encoding),
        "content": (response.content, response.num_bytes_downloaded),
        "text": (response.text, response.encoding, response.default_encoding, response.charset_encoding),
        "state": (response.is_closed, response.is_stream_consumed, response.elapsed.total_seconds() >= 0),
        "cookies": kept(response.cookies),
        "extensions": response.extensions,
        "history": [shown(each) for each in response.history],
        "next": response.next_request and (response.next_request.method, str(response.next_request.url)),
        "request": (response.request.method, str(response.request.url), response.request.extensions),
        "request headers": None if multipart else response.request.headers.raw,
        "request content": None if multipart else response.request.content,
    }


async def outcome(client: httpx2.AsyncClient, method: str, url: str, options: dict[str, Any]) -> Any:
    """Return what a request gives, or how it fails."""
    try:
        return shown(await client.request(method, url, **options))
    except Exception as error:
        return type(error), str(error)


def compare(
    method: str,
    url: str,
    options: dict[str, Any],
    answer: dict[str, Any],
    settings: dict[str, Any],
    times: int,
) -> None:
    """Send the same request, some times, through both ways, and compare all that came of it."""
    app, asked = answering(answer)

    async def main() -> None:
        short = AsyncTestClient(app, **settings)
        long = without_short_way(short)
        for _ in range(times):
            found = []
            for client in (short, long):
                asked.clear()
                result = await outcome(client, method, url, options)
                found.append((result, [*asked], kept(client.cookies)))
            if "files" in options:
                assert [result for result, _, _ in found[:1]] == [result for result, _, _ in found[1:]]
            else:
                assert found[0] == found[1]

    asyncio.run(main())


@given(
    st.sampled_from(["GET", "get", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH", "QUERY", "OTHER"]),
    URLS,
    OPTIONS,
    ANSWERS,
    CLIENTS,
)
def test_both_ways_give_the_same(
    method: str, url: str, options: dict[str, Any], answer: dict[str, Any], settings: dict[str, Any]
) -> None:
    """Whatever is asked of whatever client, and whatever is answered; the second time from what was kept."""
    compare(method, url, options, answer, settings, times=2)


@given(ANSWERS, HEADERS, st.booleans())
def test_an_httpx2_with_other_private_names_gives_the_same(
    answer: dict[str, Any], headers: Any, copies: bool
) -> None:
    """Its requests are built from the start, its responses read themselves, its headers are made lower-case here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_request, "keeps_parts", lambda kind: copies)
        patch.setattr(_transport, "RESPONSE_KNOWN", False)
        patch.setattr(_httpx2, "HEADERS_KNOWN", False)
        compare("GET", "/", {"headers": headers} if headers else {}, answer, {}, times=2)


def test_httpx2_writes_its_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """With the log on, a request takes the way on which httpx2 writes it."""
    caplog.set_level(logging.INFO, logger="httpx2")
    asyncio.run(outcome(AsyncTestClient(hello), "GET", "/there", {}))
    assert caplog.messages == ['HTTP Request: GET http://testserver/there "HTTP/1.1 200 OK"']


def test_hooks_are_called() -> None:
    """A client with event hooks calls them, also those that it was given later."""
    seen: list[str] = []

    async def on_request(request: httpx2.Request) -> None:
        seen.append(request.method)

    async def on_response(response: httpx2.Response) -> None:
        seen.append(str(response.status_code))

    async def main() -> None:
        client = AsyncTestClient(hello)
        await client.get("/")
        client.event_hooks = {"request": [on_request], "response": [on_response]}
        await client.get("/")

    asyncio.run(main())
    assert seen == ["GET", "200"]


def test_another_transport_counts() -> None:
    """A transport that somebody mounted, or put in place of ours, gets the requests that are its own."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(418)

    async def main() -> None:
        client: Any = AsyncTestClient(hello)
        mounting: Any = httpx2.AsyncClient(mounts={"http://elsewhere": httpx2.MockTransport(answer)})
        client._mounts = mounting._mounts
        assert (await client.get("http://elsewhere/")).status_code == 418
        assert (await client.get("/")).status_code == 200
        client._transport = httpx2.MockTransport(answer)
        assert (await client.get("/")).status_code == 418
        await mounting.aclose()

    asyncio.run(main())


def test_what_is_kept_follows_the_client() -> None:
    """A client whose base URL, headers or cookies change sends the new ones, also to a URL it knows."""

    async def main() -> None:
        client = AsyncTestClient(hello)
        await client.get("/x")
        client.base_url = "https://other:444/api"
        client.headers["x-new"] = "1"
        client.cookies.set("a", "b")
        client.timeout = httpx2.Timeout(None, connect=3.0)
        request = (await client.get("/x")).request
        assert str(request.url) == "https://other:444/api/x"
        assert request.extensions["timeout"]["connect"] == 3.0
        assert request.headers["host"] == "other:444"
        assert request.headers["x-new"] == "1"
        assert request.headers["cookie"] == "a=b"
        del client.headers["x-new"]
        assert "x-new" not in (await client.get("/x")).request.headers
        client.params = httpx2.QueryParams(q="1")
        assert str((await client.get("/x")).request.url) == "https://other:444/api/x?q=1"

    asyncio.run(main())


def test_what_a_test_does_to_a_request_is_not_the_next_ones() -> None:
    """Headers, time limits, the body and the URL of a request are its own, also where it is a copy."""

    async def main() -> None:
        client = AsyncTestClient(hello)
        before = shown(await client.get("/x"))
        request = client.build_request("GET", "/x")
        request.headers["x-mine"] = "1"
        request.extensions["timeout"]["read"] = 3.0
        request.extensions["mine"] = 1
        request.url = httpx2.URL("http://elsewhere/")
        request.stream = httpx2.ByteStream(b"mine")
        assert shown(await client.get("/x")) == before

    asyncio.run(main())


def test_a_kind_of_client_that_keeps_its_cookies_itself_sends_those() -> None:
    """What is kept of a request is for clients that have all where httpx2's have it."""
    jar = httpx2.Cookies({"one": "1"})
    cookies = property(lambda client: jar, lambda client, value: None)
    kind: type[AsyncTestClient] = type("Kind", (AsyncTestClient,), {"cookies": cookies})

    async def main() -> None:
        client = kind(hello)
        for _ in range(2):
            assert (await client.get("/")).request.headers["cookie"] == "one=1"

    asyncio.run(main())


@pytest.mark.parametrize("name", ["request", "build_request", "send"])
def test_a_method_that_somebody_replaced_is_called(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """On the client or on its class: a spy sees each request."""
    seen: list[str] = []

    def spied(original: Any) -> Any:
        def spy(*arguments: Any, **options: Any) -> Any:
            seen.append(name)
            return original(*arguments, **options)

        return spy

    async def main() -> None:
        client = AsyncTestClient(hello)
        await client.get("/")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(client, name, spied(getattr(client, name)))
            await client.get("/")
        monkeypatch.setattr(AsyncTestClient, name, spied(getattr(AsyncTestClient, name)))
        await client.get("/")

    asyncio.run(main())
    assert seen == [name, name]


def test_a_request_may_be_sent_to_another_url_than_it_was_built_for() -> None:
    """What is known of a URL belongs to that URL, not to the request."""

    async def main() -> None:
        client = AsyncTestClient(echo_scope)
        request = client.build_request("GET", "/one")
        request.url = httpx2.URL("http://testserver/two")
        assert (await client.send(request)).json()["path"] == "/two"

    asyncio.run(main())


def test_a_thousand_urls_are_not_kept_for_ever() -> None:
    """What a client knows of URLs has an end: a test may ask for each of a million rows."""
    client = AsyncTestClient(hello)
    for number in range(3 * KEPT):
        client.build_request("GET", f"/{number}")
    assert 0 < len(client._requests._targets) <= KEPT
    assert 0 < len(client._requests._built) <= KEPT


def test_an_endless_response_can_be_cancelled(run: Run) -> None:
    """A response that is wanted whole and has no end leaves the loop to others; cancelled, the application ends."""
    ended: list[bool] = []

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        try:
            while True:
                await body(send, b"x", more=True)
        finally:
            ended.append(True)

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await AsyncTestClient(endless).get("/")
        assert ended == [True]

    run(main())


def test_a_request_that_is_cancelled_when_its_application_has_ended_is_over() -> None:
    """It is not open any more: closing the client has nothing to end."""
    ended: list[bool] = []

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0)  # or it has ended as soon as it is started, since Python 3.12
        await hello(scope, receive, send)
        ended.append(True)

    async def main() -> None:
        client = AsyncTestClient(waiting)
        request = asyncio.ensure_future(client.get("/"))
        while not ended:
            await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert client.started_loop is None

    asyncio.run(main())


def test_a_request_that_is_collected_after_its_loop_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is left to be told that its application has ended."""
    unraisable: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", unraisable.append)

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await receive()

    async def begin() -> asyncio.Task[httpx2.Response]:
        request = asyncio.ensure_future(AsyncTestClient(waits).get("/"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return request

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)  # that a task was pending
    request = loop.run_until_complete(begin())
    loop.close()
    del request
    gc.collect()
    assert not unraisable


def test_whoever_asks_again_and_again_has_others_go_on() -> None:
    """Also those who wait for a socket, though no request waits for anything."""

    async def main() -> None:
        client, read = AsyncTestClient(hello), asyncio.Event()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            asyncio.get_running_loop().add_reader(ours, read.set)
            theirs.send(b"1")
            for _ in range(20):
                await client.get("/")
            asyncio.get_running_loop().remove_reader(ours)
        assert read.is_set()

    asyncio.run(main())


def test_each_method_follows_a_redirect() -> None:
    """Its application is asked once for the redirect, and once for what that leads to."""
    asked: list[str] = []

    async def moved(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        if scope["path"] == "/":
            await start(send, status=307, headers=[(b"location", b"/there")])
            await body(send)
        else:
            await hello(scope, receive, send)

    async def main() -> None:
        client = AsyncTestClient(moved)
        for response in (await client.get("/"), await client.send(client.build_request("GET", "/"))):
            assert [each.status_code for each in (*response.history, response)] == [307, 200]
        assert asked == ["/", "/there"] * 2

    asyncio.run(main())


def test_a_task_factory_makes_the_applications_task() -> None:
    """A loop with a task factory of its own (a tracer's, aiomonitor's) sees the application's task as well."""
    made: list[asyncio.Task[Any]] = []

    def factory(loop: asyncio.AbstractEventLoop, run: Any, **options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(run, loop=loop, **options)
        made.append(task)
        return task

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(factory)
        await AsyncTestClient(hello).get("/")
        assert len(made) == 1

    asyncio.run(main())
