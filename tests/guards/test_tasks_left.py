"""Tasks that a test left: what is said of those that ran on, and of those that failed unseen."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator, Sequence

import pytest

from hermetic.events.lifecycle import Breach, TaskLeft
from hermetic.guards.tasks_left import LostExceptionWatch, TaskWatch
from hermetic.owners import Owner, owned_by

TEST = Owner("test_a.py::test_it", "test", "function")
REQUEST = Owner("request POST /letters", "request", "function", TEST)
OTHER = Owner("test_a.py::test_other", "test", "function")
LIFESPAN = Owner("the lifespan (session scope)", "lifespan", "session")


def test_a_task_that_ran_on() -> None:
    """Who started it, where it was, and how to wait for it."""
    (breach,) = TaskWatch(lambda: [TaskLeft(REQUEST, "deliver", "app/letters.py:11")]).end(TEST)
    assert (breach.guard, breach.owner, breach.location.line) == ("tasks", REQUEST, 11)
    assert breach.message.startswith(
        "request POST /letters started the task `deliver`, which was still running at app/letters.py:11 when the test"
        " ended [HM410]"
    )


@pytest.fixture
def watch() -> Iterator[LostExceptionWatch]:
    """Watches; loops have their own methods afterwards."""
    before = asyncio.BaseEventLoop.call_exception_handler
    watch = LostExceptionWatch()
    yield watch
    watch.stop()
    assert asyncio.BaseEventLoop.call_exception_handler is before


async def fail() -> None:
    """A task's."""
    raise ValueError("4711")


Use = Callable[[asyncio.Task[None]], Awaitable[object]]


async def forgets(task: asyncio.Task[None]) -> None:
    """Let it end, and nothing else."""
    del task
    await asyncio.sleep(0)


async def asks(task: asyncio.Task[None]) -> None:
    """Let it end, and look."""
    await asyncio.wait([task])
    task.exception()


async def breaks_a_library(task: asyncio.Task[None]) -> None:
    """Let it end, look, and start what fails with no line of the project's on its stack."""
    await asks(task)
    sleeping = asyncio.create_task(asyncio.sleep("soon"))  # type: ignore[call-overload]
    await asyncio.wait([sleeping])


def lost(watch: LostExceptionWatch, owner: Owner, use: Use) -> Sequence[Breach]:
    """Return what is found of a task of somebody's that fails."""

    async def main() -> None:
        with owned_by(owner):
            await use(asyncio.create_task(fail()))

    watch.begin(TEST)
    asyncio.run(main())
    gc.collect()
    return watch.end(TEST)


def test_an_exception_that_nobody_sees(watch: LostExceptionWatch) -> None:
    """Whose task it was, what was raised where, and nothing of the exception's text."""
    (breach,) = lost(watch, REQUEST, forgets)
    assert breach.owner is REQUEST
    assert (breach.location.file, breach.location.function) == (__file__, "fail")
    assert breach.message.startswith(
        "request POST /letters started the task `fail`, which failed by ValueError; nobody has seen it. [HM803]"
    )
    assert "4711" not in breach.message


def test_an_exception_of_a_task_that_somebody_keeps(watch: LostExceptionWatch) -> None:
    """No loop is told of it; it is named once, and not where somebody has asked for it."""
    kept: set[asyncio.Task[None]] = set()

    async def keeps(task: asyncio.Task[None]) -> None:
        kept.add(task)
        await asyncio.wait([task])

    (breach,) = lost(watch, REQUEST, keeps)
    assert "which failed by ValueError; nobody saw it during the test. [HM803]" in breach.message
    assert not watch.end(TEST)
    assert [type(task.exception()) for task in kept] == [ValueError]
    assert not lost(watch, LIFESPAN, keeps)
    assert [type(task.exception()) for task in kept] == [ValueError, ValueError]


@pytest.mark.parametrize(
    ("owner", "use"),
    [
        (REQUEST, asks),
        (REQUEST, breaks_a_library),
        (LIFESPAN, forgets),
        (Owner("t", "test", "function"), forgets),
    ],
)
def test_what_is_nobody_s_fault(watch: LostExceptionWatch, owner: Owner, use: Use) -> None:
    """An exception that somebody asked for, a library's own, a task of a wider owner's, one of another test's."""
    assert not lost(watch, owner, use)


def test_a_loop_with_a_handler(watch: LostExceptionWatch) -> None:
    """It is told, and it is for it to do something."""
    told: list[str] = []

    async def handled(task: asyncio.Task[None]) -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: told.append(context["message"])
        )
        del task
        await asyncio.sleep(0)

    assert not lost(watch, REQUEST, handled)
    assert told == ["Task exception was never retrieved"]
