"""Lifespans: start-up and shutdown, their tasks, their errors, and the loops they live in."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from typing import Any

import anyio
import pytest
from fastapi import FastAPI

from hermetic import AsyncTestClient
from hermetic.client import Lifespan
from hermetic.client._asgi import Message, Receive, Scope, Send
from hermetic.errors import ConfigurationError, LifespanError
from hermetic.owners import Owner, current, owned_by
from tests.client.apps import hello
from tests.client.conftest import Run

color: ContextVar[str] = ContextVar("color", default="none")


class Logged:
    """A FastAPI application that notes what its lifespan does, with a task group in it."""

    def __init__(self, *, up: BaseException | None = None, down: BaseException | None = None) -> None:
        self.log: list[str] = []
        self.tasks: list[Any] = []
        self.up, self.down = up, down
        self.api = FastAPI(lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        self.tasks.append(asyncio.current_task())
        color.set("of the lifespan")
        if self.up:
            raise self.up
        async with asyncio.TaskGroup() as group:
            poller = group.create_task(self._poll())
            self.log.append("up")
            yield {"answer": 42}
            self.tasks.append(asyncio.current_task())
            await asyncio.sleep(0)
            self.log.append("down")
            poller.cancel()
        if self.down:
            raise self.down

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(0)


def protocol(*answers: Message, asks: int = 2) -> Any:
    """Make an application that asks for ``asks`` messages of its lifespan, and gives these answers after the first."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for number in range(asks):
            await receive()
            for answer in answers if number == 0 else ():
                await send(answer)

    return app


COMPLETE = {"type": "lifespan.startup.complete"}
FAILED = {"type": "lifespan.startup.failed", "message": "no database"}


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
