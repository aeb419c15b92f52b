"""A test that waits for ever, and what is said of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import pytest

from hermetic import AsyncTestClient
from hermetic.guards import stuck
from hermetic.guards.stuck import NobodyGoesOn, StuckWatch
from hermetic.owners import Owner, owned_by
from hermetic.threads import pause

TEST = Owner("test_a.py::test_it", "test", "function")
REQUEST = Owner("request GET /feed of test_a.py::test_it", "request", "function", TEST)


class Stopped(asyncio.SelectorEventLoop):
    """A loop whose clock stands still."""

    def time(self) -> float:
        return 7.0


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at a test from its first moment on."""
    monkeypatch.setattr(stuck, "PAUSE", 0.01)
    monkeypatch.setattr(stuck, "PATIENCE", 0.0)


@pytest.fixture
def watch() -> Iterator[None]:
    """Watch the test at hand."""
    watching = StuckWatch(lambda: True)
    watching.begin(TEST)
    yield
    assert watching.end(TEST) == []
    watching.stop()


def message(run: Callable[[], Awaitable[object]], loop: type[asyncio.AbstractEventLoop] | None = None) -> str:
    """Run something that waits for ever; return what it is told."""

    async def owned() -> None:
        with owned_by(TEST):
            await run()

    with asyncio.Runner(loop_factory=loop) as runner, pytest.raises(NobodyGoesOn) as raised:
        runner.run(owned())
    return str(raised.value)


async def listening() -> None:
    """Wait for what nobody sends, in a request."""
    with owned_by(REQUEST):
        await asyncio.Queue[int]().get()


@pytest.mark.usefixtures("watch")
def test_an_event_that_nobody_sets() -> None:
    """Who waits where, for what; and what else of the project waits."""

    async def run() -> None:
        tasks = [asyncio.create_task(listening())]
        await asyncio.sleep(0)
        await asyncio.Event().wait()
        tasks.clear()

    said = message(run)
    assert said.startswith(f"{TEST.name} waits for ever at {__file__}:")
    assert "for an Event: nobody who could go on has that. [HM778]" in said
    assert f"Request GET /feed of {TEST.name} waits at {__file__}:" in said
    assert "change: " in said


@pytest.mark.usefixtures("watch")
def test_a_stream_that_waits() -> None:
    """It is the stream that is ended, not whoever waits for its client to be gone."""

    async def stream_response() -> None:
        await listening()

    async def run() -> None:
        stream = asyncio.create_task(stream_response())
        gone = asyncio.Event()
        stream.add_done_callback(lambda done: gone.set())
        await gone.wait()
        await stream

    said = message(run)
    assert said.startswith(f"Request GET /feed of {TEST.name} has not sent the last part of its answer")
    assert "a Queue" in said
    assert "[HM797]" in said


@pytest.mark.usefixtures("watch")
def test_a_request_that_waits() -> None:
    """It is the application that is named, and what it waits for, rather than the client that waits for it."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    async def run() -> None:
        await AsyncTestClient(app).get("/wait")

    said = message(run)
    assert said.startswith("Request GET /wait")
    assert "for an Event: nobody who could go on has that. [HM778]" in said


@pytest.mark.usefixtures("watch")
def test_a_clock_that_stands_still() -> None:
    """A limit never comes, and what runs out by it neither."""
    said = message(lambda: asyncio.sleep(0.01), Stopped)
    assert "the clock of its event loop stands still" in said
    assert "[HM779]" in said


@pytest.mark.usefixtures("watch")
def test_a_clock_that_freezegun_has_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is known what lets the loop have its clock."""
    from freezegun import api

    monkeypatch.setattr(api, "freeze_factories", [object()])
    assert "real_asyncio=True" in message(lambda: asyncio.sleep(0.01), Stopped)


@pytest.fixture
def warning() -> Iterator[StuckWatch]:
    """One that ends nothing."""
    watching = StuckWatch(lambda: False)
    watching.begin(TEST)
    yield watching
    watching.stop()


def test_what_is_only_told_of(warning: StuckWatch) -> None:
    """The wait goes on; what was seen is known once, when the test ends."""

    async def run() -> None:
        event, loop = asyncio.Event(), asyncio.get_running_loop()

        def set_once_seen() -> None:
            while not warning._found:
                pause(0.01)
            pause(0.1)
            loop.call_soon_threadsafe(event.set)

        threading.Thread(target=set_once_seen, name="hermetic-sets").start()  # nobody's, for who looks
        await event.wait()

    asyncio.run(run())
    (found,) = warning.end(TEST)
    assert (found.guard, found.owner, found.location.file) == ("stuck", TEST, __file__)
    assert "[HM778]" in found.message
    assert warning.end(TEST) == []


@pytest.mark.usefixtures("watch")
def test_a_wait_with_a_limit_is_left_alone() -> None:
    """It goes on when its time has come."""

    async def run() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.2)

    asyncio.run(run())


@pytest.mark.usefixtures("watch")
def test_what_a_socket_may_end_gets_longer() -> None:
    """Who it touches is not known for certain."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        assert not stuck._has_sockets(loop)
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        assert stuck._has_sockets(loop)
        server.close()

    asyncio.run(run())


@pytest.mark.usefixtures("watch")
def test_whoever_can_cancel_it_can_end_the_wait() -> None:
    """A task that has it at hand, a scope of anyio's, a group in which another one fails."""

    async def cancelling(task: asyncio.Task[object]) -> None:
        await asyncio.sleep(0.2)
        task.cancel()

    async def leaving(scope: anyio.CancelScope) -> None:
        await asyncio.sleep(0.2)
        scope.cancel()

    async def failing() -> None:
        await asyncio.sleep(0.2)
        raise ValueError

    async def run() -> None:
        waiting = asyncio.create_task(asyncio.Event().wait())
        async with asyncio.TaskGroup() as group, anyio.create_task_group() as others:
            group.create_task(cancelling(waiting))
            others.start_soon(leaving, others.cancel_scope)
            await anyio.Event().wait()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(failing())
                await asyncio.Event().wait()

    asyncio.run(run())


@pytest.mark.usefixtures("watch")
def test_a_task_that_has_failed() -> None:
    """It might have gone on."""

    async def worker() -> None:
        raise ZeroDivisionError

    async def run() -> None:
        failed = asyncio.create_task(worker())
        try:
            await asyncio.Event().wait()
        finally:
            assert isinstance(failed.exception(), ZeroDivisionError)

    assert "The task worker() has ended by ZeroDivisionError at" in message(run)
