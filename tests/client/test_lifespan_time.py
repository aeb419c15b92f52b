"""Lifespans that take too long, and the context that they leave."""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import Any

import pytest

from hermetic import AsyncTestClient
from hermetic.client import Lifespan
from hermetic.client._asgi import Receive, Scope, Send
from hermetic.errors import LifespanError
from hermetic.owners import Owner, current, owned_by
from tests.client.apps import hello
from tests.client.conftest import Run
from tests.client.lifespans import COMPLETE, Logged, color, protocol
from tests.client.sockets import echo


async def wait_for_a_broker() -> None:
    """Wait for ever."""
    await asyncio.Event().wait()


async def hangs_at_start(scope: Scope, receive: Receive, send: Send) -> None:
    """Never be ready."""
    await wait_for_a_broker()


async def hangs_at_end(scope: Scope, receive: Receive, send: Send) -> None:
    """Be ready, and never end."""
    await receive()
    await send(COMPLETE)
    await receive()
    await wait_for_a_broker()


def test_a_start_up_that_hangs_is_named_with_the_place_where_it_waits(run: Run) -> None:
    """It is ended, and can be tried again."""

    async def main() -> None:
        lifespan = Lifespan(hangs_at_start, name="the lifespan of x", timeout=0.01)
        with pytest.raises(
            LifespanError, match=r"(?s)lifespan of x .* start-up after 0\.01 s.*in wait_for_a_broker"
        ):
            await lifespan.start()
        assert lifespan.loop is None
        lifespan.app = protocol(COMPLETE)
        await lifespan.start()
        await lifespan.stop()

    run(main())


def test_one_that_is_collected_unfinished_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its loop was closed without a word to its tasks."""
    said: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    lifespan = Lifespan(hangs_at_end)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)  # that a task was destroyed is asyncio's to say
    loop.run_until_complete(lifespan.start())
    loop.close()
    assert lifespan.loop is None
    del lifespan
    gc.collect()
    assert said == []


def test_a_shutdown_that_hangs_is_named_too(run: Run) -> None:
    """It is cancelled; nothing is left running."""

    async def main() -> None:
        lifespan = Lifespan(hangs_at_end, timeout=0.01)
        await lifespan.start()
        with pytest.raises(LifespanError, match=r"(?s)shutdown after 0\.01 s.*in wait_for_a_broker"):
            await lifespan.stop()

    run(main())


def test_somebody_elses_time_limit_is_not_blamed_on_the_lifespan(run: Run) -> None:
    """A limit around the start is that one's own."""

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await Lifespan(hangs_at_start).start()

    run(main())


def test_an_error_of_the_application_that_looks_like_a_time_limit_stays_what_it_is(run: Run) -> None:
    """``TimeoutError`` is what a driver raises."""

    async def main() -> None:
        with pytest.raises(TimeoutError, match="of a driver"):
            await Lifespan(Logged(up=TimeoutError("of a driver")).api, timeout=30).start()

    run(main())


def test_there_may_be_no_limit(run: Run) -> None:
    """``None`` waits for ever; half a minute is the default."""

    async def main() -> None:
        lifespan = Lifespan(protocol(COMPLETE), timeout=None)
        await lifespan.start()
        await lifespan.stop()
        assert Lifespan(hello).timeout == 30

    run(main())


def colored(log: list[Any]) -> Any:
    """Make an application that notes its context for each scope, with a lifespan that sets a color."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            color.set("of the lifespan")
            await send(COMPLETE)
            color.set("later")
            await receive()
            return
        log.append((color.get(), current().kind))
        await (hello if scope["type"] == "http" else echo)(scope, receive, send)

    return app


@pytest.mark.parametrize(("asked", "seen"), [(False, "of the test"), (True, "of the lifespan")])
def test_context_variables_of_the_lifespan_are_there_when_asked_for(run: Run, asked: bool, seen: str) -> None:
    """Real servers do not hand them on; what the start-up did not set is the test's."""
    log: list[Any] = []

    async def main() -> None:
        with owned_by(Owner("t", "test", "function")):
            color.set("of the test")
            async with AsyncTestClient(colored(log), lifespan_context=asked) as client:
                await client.get("/")
                async with client.websocket_connect("/"):
                    pass
            assert color.get() == "of the test"
        assert log == [(seen, "request"), (seen, "request")]

    run(main())


def test_without_a_lifespan_there_is_nothing_to_see(run: Run) -> None:
    """An un-entered client's requests have the test's context."""
    log: list[Any] = []

    async def main() -> None:
        color.set("of the test")
        await AsyncTestClient(colored(log), lifespan_context=True).get("/")
        assert log == [("of the test", "request")]

    run(main())
