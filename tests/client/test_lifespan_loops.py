"""Lifespans and their loops: torn down, changed, and cancelled waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
import pytest
from fastapi import FastAPI

from hermetic import AsyncTestClient
from hermetic.client import Lifespan
from hermetic.client._asgi import Receive, Scope, Send
from hermetic.errors import LifespanError
from tests.client.conftest import Run
from tests.client.lifespans import COMPLETE, Logged


def test_the_teardown_of_the_loop_shuts_the_application_down() -> None:
    """Nobody stopped it: the code after ``yield`` runs all the same, and its awaits work."""
    app = Logged()
    asyncio.run(Lifespan(app.api).start())
    assert app.log == ["up", "down"]


def test_an_error_in_such_a_shutdown_is_told_to_the_loop() -> None:
    """There is nobody left to raise it to, but it is not swallowed."""
    told: list[Any] = []
    app = Logged(down=LookupError("in the shutdown"))

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: told.append(context["exception"])
        )
        await Lifespan(app.api).start()

    asyncio.run(main())
    assert told == [app.down]


def test_a_lifespan_whose_loop_was_torn_down_starts_anew() -> None:
    """It is not running, has nothing to stop, and can be started in another loop."""
    app = Logged()
    lifespan = Lifespan(app.api)
    asyncio.run(lifespan.start())
    assert (lifespan.running, lifespan.loop) == (False, None)
    asyncio.run(lifespan.stop())
    asyncio.run(lifespan.start())
    assert app.log == ["up", "down"] * 2


def test_a_start_in_another_living_loop_starts_anew() -> None:
    """Requests must run where their application was started; the first ends with its own loop."""
    app = Logged()
    lifespan = Lifespan(app.api)
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(lifespan.start())
        second.run(lifespan.start())
        assert app.log == ["up", "up"]
        assert lifespan.loop is second.get_loop()
        second.run(lifespan.stop())
        assert app.log == ["up", "up", "down"]
    assert app.log == ["up", "up", "down", "down"]


def test_a_stop_in_another_loop_is_an_error() -> None:
    """It says where to stop it, and leaves it running."""
    app = Logged()
    lifespan = Lifespan(app.api)
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(lifespan.start())
        with pytest.raises(LifespanError, match=r"another event loop(?s:.*)hint: .*`loop`"):
            second.run(lifespan.stop())
        first.run(lifespan.stop())
    assert app.log == ["up", "down"]


def test_a_failing_child_of_the_lifespans_task_group_is_raised_at_the_stop(run: Run) -> None:
    """The group cancels its host, which waits for the shutdown; the child's error comes out."""

    async def fail() -> None:
        await asyncio.sleep(0)
        raise LookupError("child")

    def with_group(group: AbstractAsyncContextManager[Any], begin: str) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with group as entered:
                getattr(entered, begin)(fail() if begin == "create_task" else fail)
                yield

        return FastAPI(lifespan=lifespan)

    async def main() -> None:
        for app in (
            with_group(asyncio.TaskGroup(), "create_task"),
            with_group(anyio.create_task_group(), "start_soon"),
        ):
            with pytest.raises(ExceptionGroup) as caught:
                async with AsyncTestClient(app):
                    for _ in range(10):
                        await asyncio.sleep(0)
            assert caught.group_contains(LookupError, match="child")

    run(main())


def test_a_wait_of_another_task_is_cancelled_like_any(run: Run) -> None:
    """Only the lifespan's own task takes a cancellation for the word to stop."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        waiter = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.wait([waiter])
        seen.append("cancelled" if waiter.cancelled() else "answered")
        await send(COMPLETE)
        seen.append((await receive())["type"])

    async def main() -> None:
        async with AsyncTestClient(app):
            assert seen == ["cancelled"]
        assert seen == ["cancelled", "lifespan.shutdown"]

    run(main())


def test_a_client_whose_loop_died_can_be_entered_again() -> None:
    """A fixture's loop that ended before its ``async with`` did."""
    app = Logged()
    client = AsyncTestClient(app.api)
    asyncio.run(client.__aenter__())

    async def main() -> None:
        async with client:
            pass

    asyncio.run(main())
    assert app.log == ["up", "down"] * 2
