"""A task, seen from outside."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from hermetic import tasks
from hermetic.owners import Owner, owned_by
from hermetic.tasks import error_on_its_way, is_idle, stack_of
from tests.waiting import asked_of, sleeps


class Waiting:
    """An awaitable of plain Python, as libraries have them."""

    def __await__(self) -> Generator[Any, Any, Any]:
        """Wait for ever."""
        yield from asyncio.Event().wait().__await__()


async def numbers() -> AsyncIterator[int]:
    """Never give a number."""
    await Waiting()
    yield 1


async def outer() -> None:
    """Wait in an async generator that waits in an awaitable."""
    async for _ in numbers():
        pass


async def ours() -> None:
    """Hide, as the client's own frames do."""
    __tracebackhide__ = True
    await outer()


def test_each_frame_that_waits_is_shown_outermost_first() -> None:
    """Through coroutines, async generators and awaitables; frames that hide are left out."""

    async def main() -> None:
        task = asyncio.create_task(ours())
        await asyncio.sleep(0)
        lines = stack_of(task)
        task.cancel()
        names = [line.rsplit(" ", 1)[1] for line in lines.splitlines() if line.startswith("  File")]
        assert names[0] == "outer"
        assert names[-2:] == ["__await__", "wait"]
        assert "ours" not in names

    asyncio.run(main())


async def awaits_a_task() -> None:
    """Wait for another task, which sleeps."""
    await asyncio.create_task(sleeps())


def test_the_stack_goes_on_in_a_task_that_is_awaited() -> None:
    """What the first waits for is where the second waits."""
    assert "in sleeps" in asyncio.run(asked_of(awaits_a_task, stack_of))


def test_a_task_belongs_to_whoever_started_it() -> None:
    """Its context says so; one that was started before anybody set an owner belongs to nobody."""
    test = Owner("test", "test", "function")

    async def main() -> None:
        nobodys = asyncio.create_task(sleeps())
        with owned_by(test):
            tests = asyncio.create_task(sleeps())
        assert tasks.owner_of(nobodys) is None
        assert tasks.owner_of(tests) is test
        for task in (nobodys, tests):
            task.cancel()

    asyncio.run(main())


def test_a_task_is_about_to_run_until_it_waits() -> None:
    """Before its first step, and when what it waits for is there."""

    async def main() -> None:
        go = asyncio.Event()
        task = asyncio.create_task(go.wait())
        assert tasks.is_about_to_run(task)
        await asyncio.sleep(0)
        assert not tasks.is_about_to_run(task)
        go.set()
        assert tasks.is_about_to_run(task)
        await task

    asyncio.run(main())


def test_whoever_waits_for_a_task_is_found() -> None:
    """Directly, through ``wait``, ``gather``, ``shield`` and another task; a task beside it is not."""

    async def main() -> None:
        go = asyncio.Event()
        inner = asyncio.create_task(go.wait())

        async def directly() -> None:
            await inner

        async def through(future: asyncio.Future[Any]) -> None:
            await future

        async def waits() -> None:
            await asyncio.wait([inner])

        async def waits_for() -> None:
            await asyncio.wait_for(asyncio.shield(inner), 60)

        outer = [asyncio.create_task(each) for each in (directly(), waits(), waits_for())]
        outer.append(asyncio.create_task(through(asyncio.gather(inner))))
        outer.append(asyncio.create_task(through(outer[0])))
        beside = asyncio.create_task(go.wait())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert tasks.waiting_for(inner) - {inner} == {*outer, *tasks.waiting_for(outer[2])}
        assert beside not in tasks.waiting_for(inner)
        go.set()
        await asyncio.gather(beside, *outer)

    asyncio.run(main())


def test_where_a_task_waits_is_the_project_s_line() -> None:
    """The innermost of the project's; a library's where there is none."""

    async def main() -> None:
        own, library = asyncio.create_task(outer()), asyncio.create_task(asyncio.sleep(3600))
        await asyncio.sleep(0)
        assert tasks.is_of_the_project(own) and not tasks.is_of_the_project(library)
        assert tasks.place_of(own).startswith(f"{__file__}:")
        assert "tasks.py:" in tasks.place_of(library)
        assert (tasks.name_of(own), tasks.name_of(library)) == ("outer", "sleep")
        for task in (own, library):
            task.cancel()
        await asyncio.wait([own, library])
        assert tasks.place_of(library) == "an unknown place"

    asyncio.run(main())


def test_the_loop_turns_until_something_is_so() -> None:
    """Whatever its clock says; and no longer than it may."""

    async def main() -> None:
        counted: list[int] = []

        async def count() -> None:
            for number in range(300):
                await asyncio.sleep(0)
                counted.append(number)

        task = asyncio.create_task(count())
        assert await tasks.turn_until(task.done, 60)
        assert not await tasks.turn_until(lambda: False, 0)

    asyncio.run(main())


def test_something_is_done_beside_the_loop() -> None:
    """In another thread, while the loop turns; its error is raised here."""

    async def main() -> None:
        go, here = threading.Event(), threading.current_thread()
        asyncio.get_running_loop().call_soon(go.set)

        def elsewhere() -> threading.Thread:
            assert go.wait(60)
            return threading.current_thread()

        assert await tasks.beside_the_loop(elsewhere) is not here
        with pytest.raises(ZeroDivisionError):
            await tasks.beside_the_loop(lambda: 1 // 0)

    asyncio.run(main())


async def gives_way() -> None:
    """Go on with the next turn of the loop."""
    await asyncio.sleep(0)


async def works() -> None:
    """Wait for what may come from anywhere."""
    await asyncio.Event().wait()


@asynccontextmanager
async def closing() -> AsyncIterator[None]:
    """Take a while to close."""
    yield
    await sleeps()


async def leaves() -> None:
    """Leave a block that takes a while to close."""
    async with closing():
        pass


async def raises() -> None:
    """Sleep with an error on its way."""
    try:
        raise ValueError
    finally:
        await asyncio.sleep(3600)


async def tries_again() -> None:
    """Sleep with an error that it has caught."""
    try:
        raise ValueError
    except ValueError as error:
        assert not error.args
        await asyncio.sleep(3600)


LIBRARY = """
import asyncio

async def retries():
    await asyncio.sleep(3600)
"""


def retries() -> Coroutine[Any, Any, None]:
    """Sleep in a library."""
    names: dict[str, Any] = {"__name__": "library"}
    exec(compile(LIBRARY, "/env/lib/site-packages/library.py", "exec"), names)
    found: Coroutine[Any, Any, None] = names["retries"]()
    return found


@pytest.mark.parametrize(
    ("function", "idle"),
    [
        (sleeps, True),
        (tries_again, True),
        (gives_way, False),
        (works, False),
        (leaves, False),
        (raises, False),
        (retries, False),
        (lambda: asyncio.sleep(3600), False),
    ],
)
def test_a_task_is_idle_where_its_own_code_lets_time_pass(
    function: Callable[[], Coroutine[Any, Any, None]], idle: bool
) -> None:
    """Not where a library does, nor where something is being closed, or raised."""
    assert asyncio.run(asked_of(function, is_idle)) is idle


def test_an_error_is_on_its_way_until_it_is_caught() -> None:
    """A ``finally`` raises it again when it is done."""
    assert isinstance(asyncio.run(asked_of(raises, error_on_its_way)), ValueError)
    assert asyncio.run(asked_of(tries_again, error_on_its_way)) is None


class OtherLoop(asyncio.SelectorEventLoop):
    """A loop that puts something of its own into its queue, as those that measure do."""

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:  # type: ignore[override]
        """Call it by another function."""
        return super().call_soon(lambda: callback(*args), context=context)


async def asked() -> list[Any]:
    """Note whose turn it is, before and after a turn of the loop."""
    found: list[Any] = [asyncio.current_task()]
    await asyncio.sleep(0)
    return [*found, asyncio.current_task()]


def test_a_task_may_have_begun_when_it_is_made() -> None:
    """It has run up to its first wait as the current task, in its context; then whoever made it is that again."""
    noted: list[Any] = []

    async def run() -> None:
        noted.append(asyncio.current_task())
        with owned_by(Owner("inner", "test", "function")):
            await asyncio.sleep(0)

    async def main() -> None:
        here = asyncio.current_task()
        task = tasks.begun(run(), asyncio.get_running_loop(), "its name", None)
        assert noted == [task]
        assert task.get_name() == "its name"
        assert asyncio.current_task() is here
        await task

    asyncio.run(main())


@pytest.mark.parametrize("make_loop", [OtherLoop, uvloop.new_event_loop])
def test_a_task_begins_in_every_loop(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Where its first step cannot be told from others, with the next turn."""

    async def main() -> None:
        task = tasks.begun(asked(), asyncio.get_running_loop(), "", None)
        assert await task == [task, task]

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(main())


def test_a_task_begins_that_no_task_makes() -> None:
    """A callback of the loop may do so."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        made: list[asyncio.Task[Any]] = []
        loop.call_soon(lambda: made.append(tasks.begun(asked(), loop, "", None)))
        await asyncio.sleep(0)
        assert await made[0] == [made[0], made[0]]

    asyncio.run(main())


def test_a_turn_is_owed_where_others_wait_for_one() -> None:
    """Something is ready, or has a time, or who goes on is cancelled; else each eighth time."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        while not tasks.owes_a_turn(loop):
            pass
        assert [tasks.owes_a_turn(loop) for _ in range(9)] == [*[False] * 7, True, False]
        loop.call_soon(lambda: None)
        assert tasks.owes_a_turn(loop)
        await asyncio.sleep(0)
        assert not tasks.owes_a_turn(loop)
        timer = loop.call_later(60, lambda: None)
        assert tasks.owes_a_turn(loop)
        timer.cancel()

    async def cancelled() -> None:
        task: Any = asyncio.current_task()
        assert not tasks.owes_a_turn(asyncio.get_running_loop())
        task.cancel()
        assert tasks.owes_a_turn(asyncio.get_running_loop())
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(0)
        task.uncancel()

    asyncio.run(main())
    asyncio.run(cancelled())


def test_a_turn_is_owed_where_nothing_can_be_known_of_others() -> None:
    """uvloop does not say what is ready."""

    async def main() -> None:
        assert all(tasks.owes_a_turn(asyncio.get_running_loop()) for _ in range(3))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
