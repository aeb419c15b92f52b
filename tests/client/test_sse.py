"""Server-sent events."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from hermetic import AsyncTestClient
from hermetic.client._asgi import ASGI3App, Receive, Scope, Send
from tests.client.apps import body, hello, start
from tests.client.conftest import Run

EVENT_STREAM = [(b"content-type", b"text/event-stream")]


def streaming(*chunks: bytes, for_ever: bool = False) -> ASGI3App:
    """Make an application that sends these pieces of an event stream, and perhaps waits then."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, headers=EVENT_STREAM)
        for chunk in chunks:
            await body(send, chunk, more=True)
        if for_ever:
            await asyncio.Event().wait()
        await body(send)

    return app


def test_events_arrive_one_by_one(run: Run) -> None:
    """Each is httpx2's own, with its name, data and id."""
    app = streaming(b"id: 1\nevent: a\ndata: x\n\n", b": alive\n\n", b"data: y\ndata: z\n\n")

    async def main() -> None:
        async with AsyncTestClient(app).sse("/events") as events:
            found = [event async for event in events]
        assert [(event.id, event.event, event.data) for event in found] == [
            ("1", "a", "x"),
            ("1", "message", "y\nz"),
        ]
        assert isinstance(found[0], httpx2.ServerSentEvent)

    run(main())


def test_the_request_says_what_it_wants(run: Run) -> None:
    """With the headers of the test on top, and any method."""
    seen: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        seen.append(
            (scope["method"], headers[b"accept"], headers[b"last-event-id"], (await receive())["body"])
        )
        await streaming()(scope, receive, send)

    async def main() -> None:
        client = AsyncTestClient(app)
        async with client.sse("/", method="POST", headers={"Last-Event-ID": "7"}, json=[1]) as events:
            assert events.response.status_code == 200

    run(main())
    assert seen == [("POST", b"text/event-stream", b"7", b"[1]")]


def test_an_endless_stream_can_be_left(run: Run) -> None:
    """And iterating again goes on where it stopped."""

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, headers=EVENT_STREAM)
        number = 0
        while True:
            number += 1
            await body(send, b"data: %d\n\n" % number, more=True)

    async def main() -> None:
        async with AsyncTestClient(endless).sse("/") as events:
            async for event in events:
                if event.data == "3":
                    break
            assert (await events.next()).data == "4"
            assert (await anext(events)).data == "5"

    run(main())


def test_no_event_in_time_says_where_the_application_waits(run: Run) -> None:
    """A comment that keeps the connection alive is none; the next event still comes after it."""
    go = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, headers=EVENT_STREAM)
        await body(send, b": alive\n\n", more=True)
        await go.wait()
        await body(send, b"data: x\n\n")

    async def main() -> None:
        async with AsyncTestClient(slow).sse("/events", timeout=0.01) as events:
            with pytest.raises(
                httpx2.ReadTimeout, match=r"(?s)/events: there was no event for 0\.01 s.*in slow"
            ):
                await anext(events)
            with pytest.raises(httpx2.ReadTimeout, match=r"0\.02 s"):
                await events.next(timeout=0.02)
            go.set()
            assert (await events.next(timeout=30)).data == "x"

    asyncio.run(main())


def test_an_event_that_does_not_come_is_not_waited_for_at_the_end(run: Run) -> None:
    """Leaving ends the wait that a time limit left behind, and the application."""

    async def main() -> None:
        client = AsyncTestClient(streaming(b"data: x\n\n", for_ever=True))
        async with client.sse("/") as events:
            assert (await anext(events)).data == "x"
            with pytest.raises(httpx2.ReadTimeout):
                await events.next(timeout=0.01)

    run(main())


def test_tasks_that_ask_at_once_get_one_event_each(run: Run) -> None:
    """In the order in which they asked; one that gives up leaves its event to the next, the end is told to all."""
    asked = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, headers=EVENT_STREAM)
        await asked.wait()
        for number in range(2):
            await body(send, b"data: %d\n\n" % number, more=True)
        await body(send)

    async def main() -> None:
        async with AsyncTestClient(app).sse("/") as events:
            hasty, *others = [asyncio.create_task(events.next()) for _ in range(5)]
            await asyncio.sleep(0)
            hasty.cancel()
            await asyncio.wait([hasty])
            asked.set()
            first, second, *ends = await asyncio.gather(*others, return_exceptions=True)
        assert isinstance(first, httpx2.ServerSentEvent) and isinstance(second, httpx2.ServerSentEvent)
        assert (first.data, second.data) == ("0", "1")
        assert [type(end) for end in ends] == [EOFError, EOFError]

    run(main())


def test_one_that_waits_for_its_turn_has_its_own_time(run: Run) -> None:
    """Its limit counts from its own call, not from the event before."""

    async def main() -> None:
        async with AsyncTestClient(streaming(for_ever=True)).sse("/") as events:
            first = asyncio.create_task(events.next())
            await asyncio.sleep(0)
            with pytest.raises(httpx2.ReadTimeout, match=r"0\.01 s"):
                await events.next(timeout=0.01)
            assert not first.done()
            first.cancel()
            await asyncio.wait([first])

    run(main())


def test_the_end_of_the_stream_is_told(run: Run) -> None:
    """To iteration as its end, to ``next`` as an error."""

    async def main() -> None:
        async with AsyncTestClient(streaming()).sse("/") as events:
            with pytest.raises(EOFError, match="has ended"):
                await events.next()

    run(main())


def test_a_response_of_another_kind_is_an_error(run: Run) -> None:
    """httpx2's own; the response is there to be read."""

    async def main() -> None:
        async with AsyncTestClient(hello).sse("/") as events:
            with pytest.raises(httpx2.SSEError, match="event-stream"):
                await anext(events)
            assert await events.response.aread() == b"hello"

    run(main())


def test_an_error_of_the_application_arrives(run: Run) -> None:
    """Where the test waits for the next event, after those before it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, headers=EVENT_STREAM)
        await body(send, b"data: x\n\n", more=True)
        raise LookupError("here")

    async def main() -> None:
        with pytest.raises(LookupError, match="here"):
            async with AsyncTestClient(app).sse("/") as events:
                assert (await anext(events)).data == "x"
                await anext(events)

    run(main())


def test_a_response_that_fails_at_once_has_no_application_to_name(run: Run) -> None:
    """Errors left to the application: the response is a 500, and no event stream."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("here")

    async def main() -> None:
        client = AsyncTestClient(app, raise_server_exceptions=False)
        async with client.sse("/") as events:
            assert events.response.status_code == 500

    run(main())
