"""Bodies of any shape, both ways, and responses left at any point."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermetic import AsyncTestClient
from hermetic.client import _app_task
from hermetic.client._asgi import Receive, Scope, Send
from tests.client.apps import body, echo_chunks, echo_messages, start

CHUNKS = st.lists(st.binary(max_size=20), max_size=8)
TURNS = st.lists(st.integers(0, 3), min_size=10, max_size=10)


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    """Count the time that an application gets to end in turns of the loop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_app_task, "TICK", 0)
        yield


async def pause(turns: int) -> None:
    """Give up some turns of the loop."""
    for _ in range(turns):
        await asyncio.sleep(0)


def plain(chunks: list[bytes], turns: list[int]) -> Iterator[bytes]:
    """Give a body from a plain generator."""
    yield from chunks


async def driven(chunks: list[bytes], turns: list[int]) -> AsyncIterator[bytes]:
    """Give a body from an async generator that takes its time."""
    for chunk, pauses in zip(chunks, turns, strict=False):
        await pause(pauses)
        yield chunk


@given(CHUNKS, TURNS, st.sampled_from([plain, driven]), st.sampled_from([echo_messages, echo_chunks]))
def test_what_is_sent_comes_back(
    chunks: list[bytes],
    turns: list[int],
    source: Callable[[list[bytes], list[int]], Iterator[bytes] | AsyncIterator[bytes]],
    app: Callable[[Scope, Receive, Send], Awaitable[None]],
) -> None:
    """However a body is cut, produced and sent back, it is the same body."""

    async def main() -> None:
        response = await AsyncTestClient(app).post("/", content=source(chunks, turns))
        assert response.content == b"".join(chunks)

    asyncio.run(main())


@given(CHUNKS, TURNS, TURNS)
def test_chunks_arrive_as_they_were_sent(
    chunks: list[bytes], slow_app: list[int], slow_test: list[int]
) -> None:
    """Neither side's pace changes what arrives, nor where it is cut; empty pieces are nothing."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        for chunk, turns in zip(chunks, slow_app, strict=False):
            await pause(turns)
            await body(send, chunk, more=True)
        await body(send)

    async def main() -> None:
        found = []
        async with AsyncTestClient(app).stream("GET", "/") as response:
            pauses = iter(slow_test)
            async for chunk in response.stream:  # type: ignore[union-attr]
                found.append(chunk)
                await pause(next(pauses))
        assert found == [chunk for chunk in chunks if chunk]

    asyncio.run(main())


@given(st.integers(0, 6), st.integers(0, 5), st.booleans(), TURNS)
def test_a_response_left_anywhere_leaves_nothing(
    size: int, taken: int, listens: bool, turns: list[int]
) -> None:
    """After any number of chunks, of an application that listens or not: it has ended when the test goes on."""
    ended = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await start(send)
            for chunk in range(size):
                await pause(turns[chunk])
                await body(send, b"x", more=True)
            while listens and (await receive())["type"] != "http.disconnect":
                pass
            await (body(send) if listens else asyncio.Event().wait())
        finally:
            ended.append(True)

    async def main() -> None:
        client = AsyncTestClient(app)
        async with client.stream("GET", "/") as response, aclosing(response.aiter_raw()) as chunks:
            for _ in range(min(size, taken)):
                assert await anext(chunks) == b"x"
        assert ended == [True]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


@given(st.integers(0, 40), st.booleans(), TURNS)
def test_a_request_cancelled_anywhere_leaves_nothing(after: int, by_anyio: bool, turns: list[int]) -> None:
    """Whatever the request was doing, its application and its body have ended when the test goes on."""
    ended: list[str] = []
    begun: list[str] = []

    async def content() -> AsyncIterator[bytes]:
        begun.append("body")
        try:
            for number in turns:
                await pause(number)
                yield b"x"
        finally:
            ended.append("body")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.append("app")
        try:
            await echo_chunks(scope, receive, send)
            await pause(5)
        finally:
            ended.append("app")

    async def main() -> None:
        if by_anyio:
            with anyio.CancelScope() as scope:
                canceller = asyncio.create_task(cancel_later(scope.cancel))
                await post()
        else:
            request = asyncio.create_task(post())
            canceller = asyncio.create_task(cancel_later(request.cancel))
            await asyncio.wait([request])
        await canceller
        assert sorted(ended) == sorted(begun)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async def post() -> None:
        await AsyncTestClient(app).post("/", content=content())

    async def cancel_later(cancel: Callable[[], object]) -> None:
        await pause(after)
        cancel()

    asyncio.run(main())
