"""Ending tasks that tests left running, in loops that stand still and in loops of other threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from hermetic import tasks
from hermetic.events.application import TaskEnded, TaskFound
from hermetic.guards.background import Background, ends_with_a_call, ends_with_a_test
from hermetic.owners import PROCESS, Owner, owned_by
from tests.hearing import hearing

TEST = Owner("test", "test", "function")
REQUEST = Owner("request POST /x", "request", "function", TEST)
LIFESPAN = Owner("a lifespan", "lifespan", "session")

Start = Callable[[Owner, Coroutine[Any, Any, None]], asyncio.Task[None]]


@pytest.fixture
def background(monkeypatch: pytest.MonkeyPatch) -> Background:
    """Knows of no connections, and of no driver, and has patience that no busy machine wears out."""
    monkeypatch.setattr("hermetic.guards.background.PATIENCE", 60.0)
    return Background(list, lambda file: False)


@pytest.fixture
def loop(background: Background) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that stands still, and that was seen."""
    loop = asyncio.new_event_loop()
    background.note_loop(loop)
    yield loop
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left))
    loop.close()


@pytest.fixture
def start(loop: asyncio.AbstractEventLoop) -> Start:
    """Starts a task of somebody's, and lets it run to its first wait."""

    def one(owner: Owner, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        with owned_by(owner):
            task = loop.create_task(coroutine)
        loop.run_until_complete(asyncio.sleep(0))
        return task

    return one


async def sleeps() -> None:
    """Let time pass."""
    await asyncio.sleep(3600)


async def takes(turns: int) -> None:
    """Take so many turns of the loop."""
    for _ in range(turns):
        await asyncio.sleep(0)


def test_what_is_about_to_run_is_waited_for(background: Background, start: Start) -> None:
    """It ends by itself, and nothing is said."""
    task = start(REQUEST, takes(300))
    background.end_tasks_everywhere(ends_with_a_test, seconds=60)
    assert task.done() and not task.cancelled()
    assert background.take_left() == []


def test_what_sleeps_is_cancelled_and_named(background: Background, start: Start) -> None:
    """With who started it, and where it waits; and only once."""
    task = start(REQUEST, sleeps())
    background.end_tasks_everywhere(ends_with_a_test, seconds=3600)
    assert task.cancelled()
    (left,) = background.take_left()
    assert (left.owner, left.name) == (REQUEST, "sleeps")
    assert str(left).startswith("request POST /x started the task `sleeps`, which was still running at ")
    assert left.place.startswith(f"{__file__}:")
    assert background.take_left() == []


def test_whose_tasks_end_when(background: Background, start: Start) -> None:
    """A function fixture's after its teardown, a wider owner's when that has ended."""
    fixture = Owner("fixture", "fixture", "function", TEST)
    wide = Owner("wide", "fixture", "module", TEST)
    started = {owner.name: start(owner, sleeps()) for owner in (TEST, fixture, wide, LIFESPAN)}

    def left() -> set[str]:
        return {name for name, task in started.items() if not task.done()}

    background.end_tasks_everywhere(ends_with_a_call)
    assert left() == {"fixture", "wide", "a lifespan"}
    background.end_tasks_everywhere(ends_with_a_test)
    assert left() == {"wide", "a lifespan"}
    wide.alive = False
    background.end_tasks_everywhere(ends_with_a_test)
    assert left() == {"a lifespan"}


def test_a_task_without_a_line_of_the_project_becomes_the_process_s(
    background: Background, start: Start
) -> None:
    """A library's, which serves later tests too."""
    task = start(REQUEST, asyncio.sleep(3600))
    background.end_tasks_everywhere(ends_with_a_test)
    assert not task.done()
    assert tasks.owner_of(task) is PROCESS
    assert background.running(ends_with_a_test) == []


def test_clean_up_is_waited_for(background: Background, start: Start) -> None:
    """Also where a task that is cancelled starts another to clean up, as a session does to close."""
    closed: list[str] = []

    async def close() -> None:
        await takes(300)
        closed.append("closed")

    async def works() -> None:
        try:
            await sleeps()
        finally:
            await asyncio.shield(asyncio.create_task(close()))

    start(REQUEST, works())
    background.end_tasks_everywhere(ends_with_a_test, seconds=60)
    assert closed == ["closed"]
    assert [left.name for left in background.take_left()] == ["works"]


def test_a_task_that_ignores_its_cancellation_is_given_up(
    background: Background, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named all the same, and cancelled once."""
    monkeypatch.setattr("hermetic.guards.background.PATIENCE", 0.0)
    cancelled: list[int] = []

    async def stubborn() -> None:
        while not cancelled:
            try:
                await sleeps()
            except asyncio.CancelledError:
                cancelled.append(1)
        await sleeps()

    task = start(REQUEST, stubborn())
    background.end_tasks_everywhere(ends_with_a_test, seconds=0)
    assert not task.done()
    assert len(background.take_left()) == len(cancelled) == 1


def test_whoever_waits_for_the_current_task_is_spared(
    background: Background, loop: asyncio.AbstractEventLoop
) -> None:
    """A decorator of the project's that runs the test in a task of its own, and the client's own tasks."""

    async def call() -> None:
        own = asyncio.create_task(sleeps(), name=f"{tasks.OURS}request POST /x")
        await background.end_tasks(ends_with_a_call)
        assert not own.done()

    async def decorated() -> None:
        await asyncio.wait_for(asyncio.create_task(call()), 60)

    with owned_by(TEST):
        task = loop.create_task(decorated())
    loop.run_until_complete(task)
    assert background.take_left() == []


def test_a_loop_that_runs_in_another_thread(background: Background) -> None:
    """A live server's, or a portal's: it is asked to."""
    loop = asyncio.new_event_loop()
    started: list[asyncio.Task[None]] = []
    ready = threading.Event()

    async def main() -> None:
        with owned_by(REQUEST):
            started.append(asyncio.create_task(sleeps()))
        await asyncio.sleep(0)
        background.note_loop(loop)
        ready.set()
        await asyncio.wait(started)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    assert ready.wait(60)
    background.end_tasks_everywhere(ends_with_a_test)
    thread.join(60)
    assert started[0].cancelled()
    loop.close()


def test_from_within_the_loop_nothing_is_done(
    background: Background, loop: asyncio.AbstractEventLoop, start: Start
) -> None:
    """A loop that runs in this thread cannot be turned."""
    task = start(REQUEST, sleeps())

    async def main() -> None:
        background.end_tasks_everywhere(ends_with_a_test)

    loop.run_until_complete(main())
    assert not task.done()
    assert [left.name for left in background.running(ends_with_a_test)] == ["sleeps"]


def test_what_is_told_of_tasks(background: Background, start: Start) -> None:
    """That they were found, with where they wait, and how each ended."""
    with hearing(TaskFound, TaskEnded) as told:
        start(REQUEST, takes(300))
        background.end_tasks_everywhere(ends_with_a_test, seconds=60)
        start(REQUEST, sleeps())
        background.end_tasks_everywhere(ends_with_a_test)
    assert [(each.owner, each.name) for each in told.of(TaskFound)] == [
        (REQUEST, "takes"),
        (REQUEST, "sleeps"),
    ]
    assert all(each.place.startswith(f"{__file__}:") for each in told.of(TaskFound))
    assert told.of(TaskEnded) == [TaskEnded(REQUEST, "takes", False), TaskEnded(REQUEST, "sleeps", True)]
