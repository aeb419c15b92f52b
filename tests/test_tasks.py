"""A task, seen from outside."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from typing import Any

import pytest

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
