"""Applications that swallow their cancellation: they are ended by force, and the place is told."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import httpx2
import pytest

from hermetic import AsyncTestClient
from hermetic.client import Lifespan, _app_task, _cancellation
from hermetic.client._asgi import Receive, Scope, Send
from hermetic.errors import LifespanError
from tests.client.apps import start
from tests.client.conftest import Run
from tests.client.sockets import ACCEPT

FORCED = r"swallowed its cancellation.*0 s later.*by force.*in swallow"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the time that they get be over at once."""
    monkeypatch.setattr(_app_task, "TICK", 0)
    monkeypatch.setattr(_cancellation, "TICK", 0)
    monkeypatch.setattr(_cancellation, "SECONDS_AFTER_CANCEL", 0)


async def swallow() -> None:
    """Wait for ever, whoever cancels."""
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    """Start a response, or accept, and swallow then."""
    await (start(send) if scope["type"] == "http" else send(ACCEPT))
    await swallow()


def test_a_time_limit_holds(run: Run) -> None:
    """The request that ran into it says both: where the application waited, and that it had to be ended by force."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await swallow()

    async def main() -> None:
        with pytest.raises(httpx2.ReadTimeout, match=r"(?s)sent nothing for 0\.01 s.*" + FORCED):
            await AsyncTestClient(app).get("/", timeout=0.01)
        with pytest.raises(httpx2.ReadTimeout, match="(?s)" + FORCED):
            await AsyncTestClient(app, timeout=0.01).websocket_connect("/").__aenter__()

    run(main())


def test_a_test_that_is_cancelled_goes_on(run: Run) -> None:
    """With its own cancellation, which says why it took so long."""

    async def main() -> None:
        task = asyncio.create_task(AsyncTestClient(answering).get("/"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError, match="(?s)" + FORCED):
            await task

    run(main())


@pytest.mark.parametrize("raise_errors", [True, False])
def test_leaving_says_where_the_application_waits(run: Run, raise_errors: bool) -> None:
    """A response, and a websocket; it is no error of the application's, and so is raised in any case."""

    async def main() -> None:
        client = AsyncTestClient(answering, raise_server_exceptions=raise_errors)
        with pytest.raises(httpx2.ReadTimeout, match="(?s)request GET /a: it " + FORCED) as caught:
            async with client.stream("GET", "/a"):
                pass
        assert caught.value.request.url.path == "/a"
        with pytest.raises(httpx2.ReadTimeout, match="(?s)websocket /b: it " + FORCED):
            async with client.websocket_connect("/b"):
                pass
        assert client.started_loop is None

    run(main())


def test_a_task_that_the_application_awaits_is_ended_too(run: Run) -> None:
    """A cancellation is passed on to it, and it is what swallows that."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        await asyncio.create_task(swallow())

    async def main() -> None:
        with pytest.raises(httpx2.ReadTimeout, match="(?s)" + FORCED):
            async with AsyncTestClient(app).stream("GET", "/"):
                pass

    run(main())


def test_what_it_raises_instead_is_not_told(run: Run) -> None:
    """Closed where it waits, it may do anything; that it had to be closed is what counts."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        try:
            await swallow()
        finally:
            raise LookupError

    async def main() -> None:
        with pytest.raises(httpx2.ReadTimeout, match="(?s)" + FORCED):
            async with AsyncTestClient(app).stream("GET", "/"):
                pass

    run(main())


def test_an_application_that_nothing_ends_is_left(run: Run) -> None:
    """One that catches everything is told like the others, and the test goes on; a lifespan too."""
    released = asyncio.Event()

    async def catch_all() -> None:
        while not released.is_set():
            with contextlib.suppress(BaseException):
                await released.wait()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await start(send)
        await asyncio.create_task(catch_all())

    async def main() -> None:
        with pytest.raises(httpx2.ReadTimeout, match=r"(?s)by force.*in catch_all"):
            async with AsyncTestClient(app).stream("GET", "/"):
                pass
        with pytest.raises(LifespanError, match=r"(?s)start-up.*in catch_all"):
            await Lifespan(app, timeout=0.01).start()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        released.set()
        await asyncio.wait(left)

    run(main())


def test_an_error_after_the_cancellation_is_the_applications(run: Run) -> None:
    """It ended by itself."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise LookupError("own") from None

    async def main() -> None:
        with pytest.raises(LookupError, match="own"):
            async with AsyncTestClient(app).stream("GET", "/"):
                pass

    run(main())


def test_a_lifespan_that_swallows_is_ended(run: Run) -> None:
    """At its shutdown, whether that has hung or said that it is over."""

    def lasting(*, says_so: bool) -> Any:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            if says_so:
                await send({"type": "lifespan.shutdown.complete"})
                with contextlib.suppress(asyncio.CancelledError):
                    await receive()
            await swallow()

        return app

    async def main() -> None:
        hung = Lifespan(lasting(says_so=False))
        await hung.start()
        assert hung._run is not None
        hung._run._timeout = 0.01  # its start-up may take longer, on a busy machine
        with pytest.raises(LifespanError, match="has not finished its shutdown"):
            await hung.stop()
        over = Lifespan(lasting(says_so=True), name="it")
        await over.start()
        with pytest.raises(LifespanError, match=r"(?s)it could not be ended.*in swallow.*hint: "):
            await over.stop()

    run(main())


def test_an_end_that_comes_in_time_is_an_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """However late; nothing is said, and nothing is done to a task that has ended."""
    monkeypatch.setattr(_cancellation, "SECONDS_AFTER_CANCEL", 30)

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(100):
                await asyncio.sleep(0)

    async def main() -> None:
        task = asyncio.create_task(slow())
        await asyncio.sleep(0)
        cancellation = _cancellation.Cancellation(task)
        cancellation.cancel()
        cancellation.cancel()
        await cancellation.wait_uncancelled()
        assert cancellation.cancelled and cancellation.stuck_at is None and task.cancelled()
        cancellation._end_by_force()
        late = _cancellation.Cancellation(task)
        late.cancel()
        assert not late.cancelled and cancellation.stuck_at is None

    run(main())
