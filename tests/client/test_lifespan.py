"""Lifespans: start-up and shutdown, their tasks, their errors, and the loops they live in."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from fastapi import FastAPI

from hermetic import AsyncTestClient
from hermetic.client import Lifespan
from hermetic.client._asgi import Receive, Scope, Send
from hermetic.errors import ConfigurationError, LifespanError
from hermetic.owners import Owner, current, owned_by
from tests.client.apps import hello
from tests.client.conftest import Run
from tests.client.lifespans import COMPLETE, FAILED, Logged, color, protocol


def test_entering_runs_the_lifespan_in_a_task_of_its_own(run: Run) -> None:
    """Start-up and shutdown run in one task, which is not the test's."""
    app = Logged()

    async def main() -> None:
        async with AsyncTestClient(app.api) as client:
            assert app.log == ["up"]
            assert client.app_state == {"answer": 42}
        assert app.log == ["up", "down"]
        assert app.tasks[0] is app.tasks[1] is not asyncio.current_task()

    run(main())


def test_un_entered_use_runs_no_lifespan(run: Run) -> None:
    """As with TestClient."""
    app = Logged()

    async def main() -> None:
        assert (await AsyncTestClient(app.api).get("/docs")).status_code == 200
        assert app.log == []

    run(main())


def test_entering_and_leaving_in_different_tasks_works(run: Run) -> None:
    """pytest-asyncio sets a fixture up in one task and tears it down in another; cancel scopes allow no such thing."""
    log: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep_forever)
            yield
            await anyio.sleep(0)
            log.append("down")
            group.cancel_scope.cancel()

    async def main() -> None:
        client = AsyncTestClient(FastAPI(lifespan=lifespan))
        await asyncio.create_task(client.__aenter__())
        await asyncio.create_task(client.__aexit__())
        assert log == ["down"]

    run(main())


def test_a_client_can_be_entered_again(run: Run) -> None:
    """Each time the lifespan runs anew."""
    app = Logged()
    client = AsyncTestClient(app.api)

    async def main() -> None:
        for _ in range(2):
            async with client:
                pass

    run(main())
    run(main())
    assert app.log == ["up", "down"] * 4


def test_context_variables_of_the_lifespan_stay_in_it(run: Run) -> None:
    """Neither the test nor its requests see them, as behind a server."""

    async def main() -> None:
        color.set("of the test")
        async with AsyncTestClient(Logged().api):
            assert color.get() == "of the test"

    run(main())


@pytest.mark.parametrize("error", [RuntimeError("no database"), SystemExit(3)])
def test_an_error_of_the_start_up_is_raised_at_once(run: Run, error: BaseException) -> None:
    """The same object, with its traceback; ours are hidden; nothing is left running."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        raise error
        yield

    async def main() -> None:
        client = AsyncTestClient(FastAPI(lifespan=lifespan))
        with pytest.raises(type(error)) as caught:
            await client.__aenter__()
        assert caught.value is error
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        assert frames[-1].f_code.co_name == "lifespan"
        ours = [frame for frame in frames if "/hermetic/client/" in frame.f_code.co_filename]
        assert all("__tracebackhide__" in frame.f_locals for frame in ours)
        assert client.started_loop is None

    run(main())


def test_an_error_of_the_shutdown_is_raised_at_the_exit(run: Run) -> None:
    """The same object, after the body has run."""
    error = RuntimeError("in the shutdown")
    app = Logged(down=error)

    async def main() -> None:
        with pytest.raises(RuntimeError) as caught:
            async with AsyncTestClient(app.api):
                pass
        assert caught.value is error
        assert app.log == ["up", "down"]

    run(main())


@pytest.mark.parametrize("asks", [1, 2])
def test_a_start_up_that_says_failed_is_an_error(run: Run, asks: int) -> None:
    """TestClient hangs there; whether the application returns or asks on, its message is raised."""

    async def main() -> None:
        with pytest.raises(LifespanError, match=r"lifespan\.startup\.failed: no database"):
            await Lifespan(protocol(FAILED, asks=asks), name="the lifespan of x").start()

    run(main())


def test_a_shutdown_that_says_failed_is_an_error(run: Run) -> None:
    """The message of an application that swallowed its error is raised."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(COMPLETE)
        await receive()
        await send({"type": "lifespan.shutdown.failed"})

    async def main() -> None:
        lifespan = Lifespan(app)
        await lifespan.start()
        with pytest.raises(LifespanError, match=r"the lifespan sent lifespan\.shutdown\.failed: no message"):
            await lifespan.stop()
        assert not lifespan.running

    run(main())


def test_an_application_that_never_stops_asking_is_ended(run: Run) -> None:
    """One that loops over ``receive`` for ever is cancelled after its shutdown."""

    async def main() -> None:
        lifespan = Lifespan(protocol(COMPLETE, asks=1000))
        await lifespan.start()
        await lifespan.stop()

    run(main())


@pytest.mark.parametrize("app", [hello, protocol(asks=0), protocol(asks=1)])
def test_an_application_without_a_lifespan_just_works(run: Run, app: Any) -> None:
    """It raises on the scope, or returns at once, or after the first message."""

    async def main() -> None:
        lifespan = Lifespan(app)
        await lifespan.start()
        await lifespan.start()
        assert lifespan.running
        await lifespan.stop()
        assert not lifespan.running

    run(main())


def test_an_application_may_end_before_its_shutdown(run: Run) -> None:
    """One that returned after its start-up has nothing to shut down; what it raised is raised at the stop."""

    async def crashes(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(COMPLETE)
        raise LookupError("crashed")

    async def main() -> None:
        lifespan = Lifespan(protocol(COMPLETE, asks=1))
        await lifespan.start()
        await lifespan.stop()
        crashed = Lifespan(crashes)
        await crashed.start()
        with pytest.raises(LookupError, match="crashed"):
            await crashed.stop()

    run(main())


def test_a_start_up_is_joined(run: Run) -> None:
    """Many starters at once run one start-up, and all wait for it."""
    app = Logged()

    async def main() -> None:
        lifespan = Lifespan(app.api)
        starts = [asyncio.create_task(lifespan.start()) for _ in range(8)]
        await asyncio.sleep(0)
        assert (lifespan.loop, lifespan.running) == (asyncio.get_running_loop(), False)
        await asyncio.gather(*starts)
        assert app.log == ["up"]
        await lifespan.stop()
        await lifespan.stop()
        assert app.log == ["up", "down"]

    run(main())


def test_a_failed_start_up_fails_for_all_who_joined(run: Run) -> None:
    """Each gets the error, and the next start tries again."""
    app = Logged(up=LookupError("first"))

    async def main() -> None:
        lifespan = Lifespan(app.api)
        errors = await asyncio.gather(*(lifespan.start() for _ in range(3)), return_exceptions=True)
        assert errors == [app.up] * 3
        app.up = None
        await lifespan.start()
        assert app.log == ["up"]
        await lifespan.stop()

    run(main())


def test_cancelling_the_only_starter_ends_the_start_up(run: Run) -> None:
    """A start-up that nobody waits for is cancelled, and cleaned up when the starter goes on."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            seen.append("cleaned up")

    async def main() -> None:
        lifespan = Lifespan(app)
        first, second = asyncio.create_task(lifespan.start()), asyncio.create_task(lifespan.start())
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        assert seen == []
        second.cancel()
        await asyncio.wait([second])
        assert seen == ["cleaned up"]
        assert lifespan.loop is None

    run(main())


def test_cancelling_the_stop_ends_the_shutdown(run: Run) -> None:
    """A shutdown that hangs is cancelled with whoever waits for it."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(COMPLETE)
        await receive()
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cleaned up")

    async def main() -> None:
        lifespan = Lifespan(app)
        await lifespan.start()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await lifespan.stop()
        assert seen == ["cleaned up"]

    run(main())


def test_what_a_lifespan_makes_belongs_to_it(run: Run) -> None:
    """Its owner lives as long as whoever started it, unless one is given."""
    seen: list[Owner] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(current())

    async def main() -> None:
        fixture, given = Owner("f", "fixture", "module"), Owner("g", "lifespan", "session")
        with owned_by(fixture):
            await Lifespan(app, name="the lifespan of x").start()
            await Lifespan(app, owner=given).start()
        assert (seen[0].name, seen[0].kind, seen[0].scope) == ("the lifespan of x", "lifespan", "module")
        assert seen[0].parent is fixture
        assert seen[1] is given

    run(main())


def test_a_shared_lifespan_is_left_to_its_maker(run: Run) -> None:
    """Clients that were given it start it if need be, use its state, and never end it."""
    app = Logged()

    async def main() -> None:
        lifespan = Lifespan(app.api)
        for _ in range(2):
            async with AsyncTestClient(app.api, lifespan=lifespan) as client:
                assert client.app_state == {"answer": 42}
            assert client.started_loop is None
        assert app.log == ["up"]
        await lifespan.stop()
        assert app.log == ["up", "down"]

    run(main())


def test_without_a_loop_the_error_says_so() -> None:
    """Driven by something that is not asyncio."""
    with pytest.raises(ConfigurationError, match="no asyncio event loop"):
        Lifespan(hello).start().send(None)


@pytest.mark.parametrize(
    ("app", "name"), [(FastAPI(title="Shop"), "'Shop'"), (protocol(FAILED), "'protocol.<locals>.app'")]
)
def test_a_message_names_the_application(run: Run, app: Any, name: str) -> None:
    """By its title, or by the name of its function."""
    client = AsyncTestClient(app)

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(FAILED)

    client.app = refuse

    async def main() -> None:
        with pytest.raises(LifespanError, match=f"the lifespan of {name} sent"):
            await client.__aenter__()

    run(main())
