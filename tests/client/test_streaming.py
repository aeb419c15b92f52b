"""Responses on their way: chunk by chunk, left, waited for, timed out."""

from __future__ import annotations

import asyncio
import contextlib

import anyio
import httpx2
import pytest

from hermetic import AsyncTestClient
from hermetic.client._asgi import Receive, Scope, Send
from tests.client.apps import START, Recorder, body, endless, hello, sends, start
from tests.client.conftest import Run


def test_a_response_is_there_when_it_starts(run: Run) -> None:
    """The status can be read while the application has not sent any body."""
    app = Recorder()

    async def main() -> None:
        async with AsyncTestClient(app).stream("GET", "/") as response:
            assert response.status_code == 200
            assert app.seen == []

    run(main())


def test_the_next_chunk_waits_until_the_last_was_taken(run: Run) -> None:
    """The application is never ahead of the test by more than the chunk it offers."""
    sent: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        for number in range(5):
            await body(send, b"%d" % number, more=True)
            sent.append(number)
        await body(send)

    async def main() -> None:
        ahead = []
        async with AsyncTestClient(app).stream("GET", "/") as response:
            async for chunk in response.aiter_raw():
                for _ in range(10):
                    await asyncio.sleep(0)
                ahead.append((int(chunk), len(sent)))
        assert ahead == [(number, number + 1) for number in range(5)]

    run(main())


def test_a_chunk_is_a_copy(run: Run) -> None:
    """A buffer that the application uses again does not change what the test has."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        buffer = bytearray(b"first")
        await start(send)
        await send({"type": "http.response.body", "body": buffer, "more_body": True})
        buffer[:] = b"other"
        await send({"type": "http.response.body", "body": memoryview(buffer)})

    async def main() -> None:
        assert (await AsyncTestClient(app).get("/")).content == b"firstother"

    run(main())


def test_chunks_of_two_tasks_of_the_application_arrive_one_by_one(run: Run) -> None:
    """Concurrent sends wait for each other."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        await asyncio.gather(*(body(send, b"ab", more=True) for _ in range(10)))
        await body(send)

    async def main() -> None:
        assert (await AsyncTestClient(app).get("/")).content == b"ab" * 10

    run(main())


def test_a_chunk_whose_send_was_cancelled_is_not_delivered(run: Run) -> None:
    """What the application withdrew before the test took it is gone."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                await body(send, b"withdrawn", more=True)
        await body(send, b"kept")

    async def main() -> None:
        client = AsyncTestClient(app)
        async with client.stream("GET", "/") as response:
            for _ in range(20):
                await asyncio.sleep(0)
            assert await response.aread() == b"kept"

    asyncio.run(main())


def test_a_hung_request_says_where_it_hangs(run: Run) -> None:
    """``timeout`` raises httpx2's own error, with the line at which the application waits."""

    async def stuck() -> None:
        await asyncio.Event().wait()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await stuck()

    async def main() -> None:
        with pytest.raises(httpx2.ReadTimeout, match=r"(?s)GET /hang.*0\.01 s.*in stuck") as caught:
            await AsyncTestClient(app).get("/hang", timeout=0.01)
        assert "_http_task" not in str(caught.value)
        assert caught.value.request.url.path == "/hang"

    run(main())


def test_a_hung_body_says_where_it_hangs(run: Run) -> None:
    """The time counts for each chunk."""
    app = Recorder(listen=False)

    async def main() -> None:
        with pytest.raises(httpx2.ReadTimeout, match="in _wait"):
            await AsyncTestClient(app, timeout=0.01).get("/")
        assert app.seen == ["cancelled", "cleaned up"]

    run(main())


def test_a_timeout_error_of_somebody_else_stays_what_it_is(run: Run) -> None:
    """The client's own limit is not blamed for another's."""

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await AsyncTestClient(Recorder(), timeout=30).get("/")

    run(main())


def test_a_request_in_time_is_not_disturbed(run: Run) -> None:
    """A limit that is not reached changes nothing."""

    async def main() -> None:
        assert (await AsyncTestClient(hello, timeout=30).get("/")).text == "hello"

    run(main())


def test_head_has_no_body(run: Run) -> None:
    """What the application sends after a HEAD request is dropped."""

    async def main() -> None:
        response = await AsyncTestClient(hello).head("/")
        assert (response.status_code, response.content) == (200, b"")

    run(main())


def test_nothing_is_read_after_the_response_is_closed(run: Run) -> None:
    """A closed response is closed once, and empty."""

    async def main() -> None:
        async with AsyncTestClient(endless).stream("GET", "/") as response:
            await response.aclose()
            await response.stream.aclose()  # type: ignore[union-attr]
            assert [chunk async for chunk in response.stream] == []  # type: ignore[union-attr]

    run(main())


def test_trailers_are_given(run: Run) -> None:
    """They stand where Starlette's TestClient puts them, whole once the body is read."""
    app = sends(
        {**START, "trailers": True},
        {"type": "http.response.body", "body": b"hello"},
        {"type": "http.response.trailers", "headers": [(b"a", b"1")], "more_trailers": True},
        {"type": "http.response.trailers", "headers": [(b"b", b"2")]},
    )

    async def main() -> None:
        response = await AsyncTestClient(app).get("/")
        assert response.extensions["http.response.trailers"] == [(b"a", b"1"), (b"b", b"2")]

    run(main())


def test_an_application_may_leave_its_response_unfinished(run: Run) -> None:
    """One that returns without its last chunk ends the body, as with TestClient."""

    async def main() -> None:
        app = sends(START, {"type": "http.response.body", "body": b"half", "more_body": True})
        assert (await AsyncTestClient(app).get("/")).content == b"half"

    run(main())


def test_the_application_hears_of_the_end_of_its_response(run: Run) -> None:
    """After the last chunk ``receive`` gives ``http.disconnect``."""
    heard: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await hello(scope, receive, send)
        heard.append((await receive())["type"])

    async def main() -> None:
        await AsyncTestClient(app).get("/")
        assert heard == ["http.disconnect"]

    run(main())


def test_receive_answers_at_once_when_it_can(run: Run) -> None:
    """Starlette asks in a cancelled scope, where a turn of the loop would raise."""
    heard: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with anyio.CancelScope() as cancelled:
            cancelled.cancel()
            heard.append((await receive())["type"])
        await hello(scope, receive, send)
        with anyio.CancelScope() as cancelled:
            cancelled.cancel()
            heard.append((await receive())["type"])

    async def main() -> None:
        await AsyncTestClient(app).get("/")
        assert heard == ["http.request", "http.disconnect"]

    asyncio.run(main())
