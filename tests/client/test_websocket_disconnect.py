"""Leaving a websocket: how long its application may go on, and what of its errors is the test's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import anyio
import pytest
from fastapi import Depends, FastAPI, WebSocket

from hermetic import AsyncTestClient
from hermetic.client import WebSocketSession, _app_task
from hermetic.client._asgi import Receive, Scope, Send
from tests.client.conftest import Run
from tests.client.sockets import ACCEPT, text

MANY_TURNS = 10 * _app_task.TURNS_AFTER_DISCONNECT


def open_to(app: Any) -> WebSocketSession:
    """Return a websocket of an application."""
    return AsyncTestClient(app).websocket_connect("/")


async def work() -> None:
    """Take as many turns of the loop as a commit does."""
    for _ in range(MANY_TURNS):
        await asyncio.sleep(0)


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count an application's time in turns of the loop."""
    monkeypatch.setattr(_app_task, "TICK", 0)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch, turns: None) -> None:
    """Give an application that is at work all the time there is."""
    monkeypatch.setattr(_app_task, "TICKS_TO_END", 10**9)


def test_what_follows_the_last_message_is_done(run: Run) -> None:
    """A commit takes longer than a few turns of the loop; the application never asked for another message."""
    done: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await send(text("last"))
        await work()
        done.append("committed")

    async def main() -> None:
        async with open_to(app) as websocket:
            assert await websocket.receive_text() == "last"
        assert done == ["committed"]

    run(main())


def test_a_dependency_is_torn_down_and_its_error_told(run: Run) -> None:
    """Of a plain generator, which FastAPI leaves in a thread, and of an async one that takes its time."""
    done: list[str] = []

    def plain() -> Iterator[None]:
        try:
            yield
        finally:
            done.append("plain")

    async def slow() -> AsyncIterator[None]:
        yield
        await work()
        done.append("slow")
        raise ValueError("in the teardown")

    api = FastAPI()

    @api.websocket("/", dependencies=[Depends(plain), Depends(slow)])
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()

    async def main() -> None:
        with pytest.raises(ValueError, match="in the teardown"):
            async with open_to(api):
                pass
        assert done == ["slow", "plain"]

    run(main())


def test_an_error_that_is_on_its_way_is_told(run: Run, turns: None) -> None:
    """Cancelled in its ``finally``, the application has raised its own error all the same; a handled one is none."""

    async def raising(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        try:
            raise ValueError("own")
        finally:
            await asyncio.Event().wait()

    async def handling(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        try:
            raise ValueError("own")
        except ValueError as error:
            assert error.args
            await asyncio.Event().wait()

    async def main() -> None:
        with pytest.raises(ValueError, match="own"):
            async with open_to(raising):
                pass
        async with open_to(handling):
            pass

    run(main())


def test_an_application_at_work_is_cancelled_in_the_end(run: Run, turns: None) -> None:
    """It gets a second, as one that heard of the disconnect, and its clean-up is waited for."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        try:
            await asyncio.Event().wait()
        finally:
            await work()
            seen.append("cleaned up")

    async def main() -> None:
        async with open_to(app):
            pass
        assert seen == ["cleaned up"]

    run(main())


async def sleeps() -> None:
    """Sleep for an hour."""
    await asyncio.sleep(3600)


async def sleeps_by_anyio() -> None:
    """Do the same by anyio."""
    await anyio.sleep(3600)


async def waits_for_a_queue() -> None:
    """Wait for what nobody puts there."""
    await asyncio.Queue[str]().get()


async def waits_for_a_stream() -> None:
    """Wait for what nobody sends."""
    given, taken = anyio.create_memory_object_stream[str]()
    with given, taken:
        await taken.receive()


@pytest.mark.parametrize("wait", [sleeps, sleeps_by_anyio, waits_for_a_queue, waits_for_a_stream])
def test_one_that_only_pushes_and_waits_leaves_soon(
    run: Run, patient: None, wait: Callable[[], Awaitable[None]]
) -> None:
    """It hears nothing of a client that left before it sends again; nothing is lost by not waiting for that."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        try:
            await send(text("tick"))
            await wait()
        finally:
            seen.append("cancelled")

    async def main() -> None:
        async with open_to(app) as websocket:
            assert await websocket.receive_text() == "tick"
        assert seen == ["cancelled"]

    run(main())


async def raw(scope: Scope, receive: Receive, send: Send) -> None:
    """Push for ever."""
    await send(ACCEPT)
    while True:
        await send(text("tick"))
        await asyncio.sleep(0)


async def grouped(scope: Scope, receive: Receive, send: Send) -> None:
    """Push for ever from a task group."""
    async with asyncio.TaskGroup() as group:
        group.create_task(raw(scope, receive, send))


starlettes = FastAPI()


@starlettes.websocket("/")
async def endpoint(websocket: WebSocket) -> None:
    """Push for ever, and let Starlette's exception go."""
    await websocket.accept()
    while True:
        await websocket.send_text("tick")
        await asyncio.sleep(0)


@pytest.mark.parametrize("app", [raw, grouped, starlettes])
def test_one_that_pushes_for_ever_ends_and_is_no_error(run: Run, app: Any) -> None:
    """Its next message is an error to it, by which it ends; the test has left and expects no other end."""

    async def main() -> None:
        async with open_to(app) as websocket:
            assert await websocket.receive_text() == "tick"

    run(main())


def test_an_error_that_it_makes_of_that_is_its_own(run: Run) -> None:
    """Such as one in its own handling of a client that has left."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await raw(scope, receive, send)
        except OSError:
            raise LookupError("in the handling") from None

    async def main() -> None:
        with pytest.raises(LookupError, match="in the handling"):
            async with open_to(app):
                pass

    run(main())


def test_a_response_that_only_pushes_leaves_soon(run: Run, patient: None) -> None:
    """What is sent to nobody is no work, with pauses and without."""
    seen: list[str] = []

    def pushing(*pauses: float) -> Any:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            try:
                while True:
                    await send({"type": "http.response.body", "body": b"x", "more_body": True})
                    for pause in pauses:
                        await asyncio.sleep(pause)
            finally:
                seen.append("cancelled")

        return app

    async def main() -> None:
        for app in (pushing(), pushing(0.0001), pushing(3600)):
            async with AsyncTestClient(app).stream("GET", "/"):
                pass
        assert seen == ["cancelled"] * 3

    run(main())


def test_a_shielded_clean_up_is_not_cancelled(run: Run, turns: None) -> None:
    """anyio's shield holds here too, though asyncio's own ``cancel`` knows nothing of it."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        try:
            with anyio.CancelScope(shield=True), anyio.CancelScope():
                for _ in range(3 * _app_task.TICKS_TO_END):
                    await asyncio.sleep(0)
                seen.append("cleaned up")
            await asyncio.Event().wait()
        finally:
            seen.append("ended")

    async def main() -> None:
        async with open_to(app):
            pass
        assert seen == ["cleaned up", "ended"]

    run(main())
