"""Request bodies on their way to the application."""

from __future__ import annotations

import asyncio
import gc
import io
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar

import anyio
import httpx2
import pytest

from hermetic import AsyncTestClient
from hermetic.client._app_task import AppTask
from hermetic.client._asgi import ASGI3App, Receive, Scope, Send
from hermetic.client._request_body import body_of
from tests.client.apps import body, echo_chunks, echo_messages, hello, start
from tests.client.conftest import Run

color: ContextVar[str] = ContextVar("color", default="none")


def test_a_body_is_one_message(run: Run) -> None:
    """Bytes arrive whole, and are said to be all."""
    messages = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        messages.append(await receive())
        await hello(scope, receive, send)

    async def main() -> None:
        await AsyncTestClient(app).post("/", content=b"abc")
        assert messages == [{"type": "http.request", "body": b"abc", "more_body": False}]

    run(main())


def test_plain_generators_are_accepted(run: Run) -> None:
    """``content`` may be a generator, as with TestClient; httpx2 alone would refuse it."""

    def chunks() -> Iterator[bytes]:
        yield from (b"a", b"b", b"c")

    async def main() -> None:
        response = await AsyncTestClient(echo_messages).post("/", content=chunks())
        assert response.content == b"abc"

    run(main())


def test_a_plain_generator_can_be_read_by_authentication(run: Run) -> None:
    """Who asks for the whole body gets it, and the application after them."""

    async def main() -> None:
        client = AsyncTestClient(echo_messages)
        request = client.build_request("POST", "/", content=iter([b"a", b"b"]))

        async def read(request: object) -> None:
            await sent.aread()

        sent = request
        client.event_hooks = {"request": [read], "response": []}
        assert (await client.send(request)).content == b"ab"
        assert sent.content == b"ab"

    run(main())


def test_files_and_forms_arrive(run: Run) -> None:
    """A multipart body and a file object stream without a task of their own."""

    async def main() -> None:
        client = AsyncTestClient(echo_messages)
        response = await client.post("/", data={"a": "1"}, files={"f": ("name", io.BytesIO(b"content"))})
        assert b'filename="name"' in response.content and b"content" in response.content
        assert (await client.post("/", content=io.BytesIO(b"file"))).content == b"file"

    run(main())


def test_an_async_generator_streams_while_the_response_does(run: Run) -> None:
    """Full duplex: each chunk comes back before the next is produced."""
    order: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in (b"a", b"b"):
            order.append(f"sent {chunk.decode()}")
            yield chunk

    async def main() -> None:
        async with AsyncTestClient(echo_chunks).stream("POST", "/", content=chunks()) as response:
            async for chunk in response.aiter_raw():
                order.append(f"got {chunk.decode()}")
        assert sorted(order[:2]) == ["got a", "sent a"] or order[:2] == ["sent a", "sent b"]
        assert order[-1] == "got b" and len(order) == 4

    run(main())


def test_an_async_generator_is_asked_for_one_chunk_ahead_at_most(run: Run) -> None:
    """An application that does not read holds the generator up."""
    made: list[int] = []

    async def chunks() -> AsyncIterator[bytes]:
        for number in range(100):
            made.append(number)
            yield b"x"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for _ in range(20):
            await asyncio.sleep(0)
        made_then.append(len(made))
        await hello(scope, receive, send)

    made_then: list[int] = []

    async def main() -> None:
        await AsyncTestClient(app).post("/", content=chunks())
        assert made_then == [2]

    run(main())


def test_an_async_generator_runs_in_the_context_of_the_test(run: Run) -> None:
    """It sees the test's context variables, not the application's."""
    seen: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        seen.append(color.get())
        yield b"x"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        color.set("of the application")
        await echo_messages(scope, receive, send)

    async def main() -> None:
        color.set("of the test")
        await AsyncTestClient(app).post("/", content=chunks())
        assert seen == ["of the test"]

    run(main())


def test_a_receive_that_is_cancelled_loses_nothing() -> None:
    """Starlette cancels a pending receive as a matter of course; the generator lives on."""
    go = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        await go.wait()
        yield b"whole"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with anyio.move_on_after(0.01):
            await receive()
        go.set()
        await echo_messages(scope, receive, send)

    async def main() -> None:
        assert (await AsyncTestClient(app).post("/", content=chunks())).content == b"whole"

    asyncio.run(main())


def test_two_receives_at_once_share_the_body(run: Run) -> None:
    """Each message goes to one of them."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        messages = await asyncio.gather(receive(), receive())
        await start(send)
        await body(send, b"".join(message["body"] for message in messages))

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    async def main() -> None:
        assert (await AsyncTestClient(app).post("/", content=chunks())).content == b"ab"

    run(main())


def test_a_body_that_nobody_reads_is_closed(run: Run) -> None:
    """The generator's cleaning up is over when the response is there."""
    closed: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            await asyncio.sleep(0)
            closed.append("closed")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await hello(scope, receive, send)

    async def main() -> None:
        await AsyncTestClient(app).post("/", content=chunks())
        assert closed == ["closed"]

    run(main())


def test_a_body_that_nobody_asks_for_is_not_begun(run: Run) -> None:
    """An application that answers without reading costs the generator nothing."""
    begun: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        begun.append("begun")
        yield b"x"

    async def main() -> None:
        assert (await AsyncTestClient(hello).post("/", content=chunks())).text == "hello"
        assert begun == []

    run(main())


def test_any_async_iterable_will_do(run: Run) -> None:
    """An object with ``__aiter__`` that is no generator streams too, as content or as a stream of httpx2."""

    class Two(httpx2.AsyncByteStream):
        def __init__(self) -> None:
            self._left = [b"a", b"b"]

        def __aiter__(self) -> AsyncIterator[bytes]:
            return self

        async def __anext__(self) -> bytes:
            if not self._left:
                raise StopAsyncIteration
            return self._left.pop(0)

    async def main() -> None:
        client = AsyncTestClient(echo_messages)
        assert (await client.post("/", content=Two())).content == b"ab"
        assert (
            await client.send(httpx2.Request("POST", "http://testserver/", stream=Two()))
        ).content == b"ab"

    run(main())


@pytest.mark.parametrize("raising", [True, False])
@pytest.mark.parametrize("plain", [True, False])
def test_an_error_of_the_body_is_raised_and_the_application_told(
    run: Run, plain: bool, raising: bool
) -> None:
    """The test's own error reaches the test; to the application the client has left."""
    heard: list[str] = []
    error = ValueError("no more")

    def plain_chunks() -> Iterator[bytes]:
        yield b"a"
        raise error

    async def async_chunks() -> AsyncIterator[bytes]:
        yield b"a"
        raise error

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        heard.append((await receive())["type"])

    async def main() -> None:
        client = AsyncTestClient(app, raise_server_exceptions=raising)
        with pytest.raises(ValueError) as caught:
            await client.post("/", content=plain_chunks() if plain else async_chunks())
        assert caught.value is error
        assert heard == ["http.disconnect"]

    run(main())


def test_an_error_of_the_body_is_raised_while_the_response_is_read(run: Run) -> None:
    """Full duplex: the response has started, and ends with the error."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        raise ValueError("no more")

    async def main() -> None:
        with pytest.raises(ValueError, match="no more"):
            await AsyncTestClient(echo_chunks).post("/", content=chunks())

    run(main())


def test_cancelling_the_test_ends_its_body(run: Run) -> None:
    """The generator is closed with the request that it belongs to."""
    closed: list[str] = []
    begun = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        begun.set()
        try:
            await asyncio.Event().wait()
            yield b""
        finally:
            closed.append("closed")

    async def main() -> None:
        request = asyncio.create_task(AsyncTestClient(echo_messages).post("/", content=chunks()))
        await begun.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert closed == ["closed"]

    run(main())


@pytest.mark.parametrize("app", [hello, echo_messages])
def test_nothing_of_a_request_waits_for_the_garbage_collector(app: ASGI3App) -> None:
    """With an async generator that is read, or is not: a cycle would keep the application's sessions alive."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    async def main() -> None:
        await AsyncTestClient(app).post("/", content=chunks())
        assert not [each for each in gc.get_objects() if isinstance(each, AppTask)]

    gc.collect()
    gc.disable()
    try:
        asyncio.run(main())
    finally:
        gc.enable()


def test_a_body_may_outlast_its_request() -> None:
    """What it has to give is there, though nobody is left to be told."""

    class Asking:
        def told(self) -> None:
            """Never called."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"

    async def main() -> None:
        given = body_of(httpx2.Request("POST", "http://testserver/", content=chunks()).stream, Asking().told)
        given.begin()
        await asyncio.sleep(0)
        assert given.take() == {"type": "http.request", "body": b"a", "more_body": True}
        producer = given.cancel()
        assert producer is not None
        await asyncio.wait([producer])

    asyncio.run(main())
