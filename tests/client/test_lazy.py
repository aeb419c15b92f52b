"""The client that a synchronous fixture hands out: its lifespan starts with the first request."""

from __future__ import annotations

import asyncio

from hermetic import AsyncTestClient
from hermetic.client import Lifespan
from tests.client.conftest import Run
from tests.client.lifespans import Logged


def test_the_first_request_starts_the_lifespan(run: Run) -> None:
    """Not the making of the client, which needs no loop."""
    app = Logged()
    client = AsyncTestClient._lazily(app.api)

    async def main() -> None:
        assert client.started_loop is None
        await client.get("/docs")
        await client.get("/docs")
        assert app.log == ["up"]
        assert client.started_loop is asyncio.get_running_loop()
        await client.aclose()
        assert app.log == ["up", "down"]
        assert client.started_loop is None

    run(main())


def test_eight_first_requests_start_one_lifespan(run: Run) -> None:
    """All of them wait until it has started."""
    app = Logged()
    client = AsyncTestClient._lazily(app.api)

    async def main() -> None:
        responses = await asyncio.gather(*(client.get("/docs") for _ in range(8)))
        assert [response.status_code for response in responses] == [200] * 8
        assert app.log == ["up"]
        await client.aclose()

    run(main())


def test_a_closed_client_opens_again(run: Run) -> None:
    """A fixture's teardown may use it after it was closed, in another loop."""
    app = Logged()
    client = AsyncTestClient._lazily(app.api)

    async def main() -> None:
        await client.get("/docs")
        await client.aclose()

    run(main())
    run(main())
    assert app.log == ["up", "down"] * 2


def test_the_lifespan_follows_the_loop() -> None:
    """A request in another loop starts it there; the old one ends with its loop."""
    app = Logged()
    client = AsyncTestClient._lazily(app.api)
    with asyncio.Runner() as first:
        first.run(client.aclose())
        first.run(client.get("/docs"))
        assert client.started_loop is first.get_loop()
        with asyncio.Runner() as second:
            second.run(client.get("/docs"))
            assert client.started_loop is second.get_loop()
            second.run(client.aclose())
        assert app.log == ["up", "up", "down"]
    assert app.log == ["up", "up", "down", "down"]
    assert client.started_loop is None


def test_a_lazy_client_may_be_entered(run: Run) -> None:
    """Leaving it closes it, as ``aclose`` would."""
    app = Logged()

    async def main() -> None:
        async with AsyncTestClient._lazily(app.api) as client:
            await client.get("/docs")
        assert app.log == ["up", "down"]

    run(main())


def test_a_shared_lifespan_outlives_its_clients(run: Run) -> None:
    """Each test has a client of its own; the module's lifespan starts once, and its maker ends it."""
    app = Logged()

    async def main() -> None:
        lifespan = Lifespan(app.api)
        for _ in range(2):
            client = AsyncTestClient._lazily(app.api, lifespan=lifespan)
            await client.get("/docs")
            await client.aclose()
        assert app.log == ["up"]
        assert lifespan.loop is asyncio.get_running_loop()
        await lifespan.stop()
        assert app.log == ["up", "down"]

    run(main())
