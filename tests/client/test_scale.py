"""Much at once, and large bodies in little memory."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator

from hermetic import AsyncTestClient
from hermetic.client._asgi import Receive, Scope, Send
from tests.client.apps import body, hello, start
from tests.client.conftest import Run

MIB = 1024 * 1024


def test_a_thousand_requests_at_once(run: Run) -> None:
    """None is answered before all have begun, so they do run at once."""
    begun = 0
    everybody = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal begun
        begun += 1
        if begun == 1000:
            everybody.set()
        await everybody.wait()
        await hello(scope, receive, send)

    async def main() -> None:
        client = AsyncTestClient(app)
        answers = await asyncio.gather(*(client.get("/") for _ in range(1000)))
        assert {answer.text for answer in answers} == {"hello"}

    run(main())


async def echo_sizes(scope: Scope, receive: Receive, send: Send) -> None:
    """Take a body piece by piece, and send as much back."""
    await start(send)
    more = True
    while more:
        message = await receive()
        more = message["more_body"]
        await body(send, bytes(len(message["body"])), more=more)


def test_a_large_body_takes_little_memory() -> None:
    """A gibibyte each way, with no more than a few of its pieces in memory."""

    async def content() -> AsyncIterator[bytes]:
        piece = bytes(4 * MIB)
        for _ in range(256):
            yield piece

    async def main() -> None:
        received = 0
        async with AsyncTestClient(echo_sizes).stream("POST", "/", content=content()) as response:
            tracemalloc.start()
            async for chunk in response.aiter_raw():
                received += len(chunk)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert received == 1024 * MIB
        assert peak < 64 * MIB

    asyncio.run(main())
