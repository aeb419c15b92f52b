"""Work that no request waits for: tasks that a test, its requests or its fixtures left running.

When a test ends they are given time to end, in their own loop: as long as one of them is about to run, or uses a
database, a second at the most. One that only sleeps is not waited for. What is left is then cancelled, awaited and
named, before the database is put back; caught in its commit, a task could otherwise write into the next test.

What a function fixture of the test can name, it may wait for, or cancel, at its teardown: such a task is left to it,
unless it holds a connection, and looked at once more when its loop, or the test with all its fixtures, ends.

A task without a line of the project's on its stack is a library's (a pool's worker, a broker's connection, opened by
the first request that needed it): unless it holds a connection to a database, it is left alone and becomes the
process's. Tasks of wider fixtures and lifespans are nobody's business here.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from hermetic import tasks
from hermetic.events import emit, listeners
from hermetic.events.application import TaskEnded, TaskFound
from hermetic.events.lifecycle import TaskLeft
from hermetic.functions import values_named
from hermetic.owners import PROCESS, Owner, become
from hermetic.settings import Background as Mode
from hermetic.tasks import Task

if TYPE_CHECKING:
    from hermetic.database.engines import InUse

PATIENCE = 1.0
"""Seconds that tasks get to end by themselves, and again when they were cancelled."""

ROUNDS = 3
"""A task that is cancelled may start others, to clean up: those are waited for, and then cancelled, in their turn."""

Loop = asyncio.AbstractEventLoop
Mine = Callable[[Owner], bool]
Fixture = Callable[..., Any]

COLLECTIONS = (dict, deque, frozenset, list, set, tuple, WeakSet)
"""In what applications keep their tasks."""


def ends_with_a_call(owner: Owner) -> bool:
    """Whether what an owner started should be over when the call of its test is."""
    return owner.is_of_a_call and owner.is_test_level


def ends_with_a_test(owner: Owner) -> bool:
    """Whether what an owner started should be over when its test, with its fixtures, is."""
    return owner.is_test_level or owner.has_ended


@dataclass(eq=False)
class Background:
    """Ends what tests leave running.

    Attributes:
        in_use: Returns the connections that are checked out.
        in_a_driver: Whether a frame is of what speaks to a database.
        left: What had to be cancelled, since it was last asked for.
    """

    in_use: Callable[[], list[InUse]]
    in_a_driver: Callable[[str], bool]
    left: list[TaskLeft] = field(default_factory=list)
    _loops: WeakSet[Loop] = field(default_factory=WeakSet)
    _told: WeakSet[Task] = field(default_factory=WeakSet)
    _left_to_fixtures: set[Task] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note_loop(self, loop: Loop) -> None:
        """Look at this loop's tasks, too, when a test ends."""
        with self._lock:
            self._loops.add(loop)

    @property
    def loops(self) -> list[Loop]:
        """The loops that were seen and are not closed."""
        with self._lock:  # a live server's thread may be adding its own
            return [loop for loop in self._loops if not loop.is_closed()]

    def take_left(self) -> list[TaskLeft]:
        """Return, and forget, what had to be cancelled."""
        left, self.left = self.left, []
        return left

    def running(self, mine: Mine) -> list[TaskLeft]:
        """Return what runs in any loop and would be waited for, or cancelled, each once; nothing is done to it."""
        found = [task for loop in self.loops for task in self._tasks(loop, mine) if task not in self._told]
        self._told.update(found)
        return [_described(task) for task in found if tasks.is_of_the_project(task)]

    def tell_of_running(self, mine: Mine) -> None:
        """Tell of what runs in any loop and would be waited for; nothing is done to it."""
        loop = asyncio._get_running_loop()
        here = asyncio.current_task() if loop is not None else None
        spared = tasks.waiting_for(here) if here is not None else set()
        loops = {*self.loops} if loop is None else {loop, *self.loops}
        for each in loops:
            found = self._tasks(each, mine) - spared
            _tell_of_found([task for task in found if tasks.is_of_the_project(task)])

    async def end_call(self, mode: Mode, fixtures: Callable[[], Iterable[Fixture]] = tuple) -> None:
        """In the loop of a test whose call is over: have end what it, and its requests, left running.

        Args:
            mode: Whether it gets time to.
            fixtures: Returns the functions of the test's own fixtures whose teardown may wait for tasks.
        """
        loop = asyncio._get_running_loop()
        if loop is None:  # trio's
            return
        self.note_loop(loop)
        await self.end_tasks(ends_with_a_call, seconds=_seconds_for(mode), fixtures=fixtures)

    def end_loop(self) -> None:
        """A test's own loop is about to end, after the fixtures in it: have end what was left to their teardown."""
        if self._left_to_fixtures:
            self._left_to_fixtures.clear()
            self.end_tasks_everywhere(ends_with_a_call, seconds=0.0)

    def end_test(self, mode: Mode) -> None:
        """Have end what tests, their fixtures and their requests left running, in whatever loop."""
        self._left_to_fixtures.clear()
        self.end_tasks_everywhere(ends_with_a_test, seconds=_seconds_for(mode))

    # -- in the loop that runs

    async def end_tasks(
        self, mine: Mine, *, seconds: float = PATIENCE, fixtures: Callable[[], Iterable[Fixture]] = tuple
    ) -> None:
        """Have the tasks of some owners in the running loop end.

        Args:
            mine: Whose.
            seconds: How long they get to end by themselves.
            fixtures: Returns the functions of those to whose teardown a task may be left.
        """
        loop, current = asyncio.get_running_loop(), asyncio.current_task()
        assert current is not None, "a coroutine runs in a task"
        if self._tasks(loop, mine) <= {current}:
            return  # before it is asked who waits for whom, which takes a moment
        spared = tasks.waiting_for(current) | self._left_to_fixtures

        def running() -> set[Task]:
            return self._tasks(loop, mine) - spared

        for _ in range(ROUNDS):
            found = running()
            if not found:
                return
            _tell_of_found(found)
            await tasks.turn_until(lambda: not self._are_at_work(running()), seconds)
            _tell_of_ended(found - running(), is_cancelled=False)
            spared |= self._leave(running(), fixtures)
            spared |= await self._end(running())
            seconds = PATIENCE  # for those that clean up

    def _leave(self, found: set[Task], fixtures: Callable[[], Iterable[Fixture]]) -> set[Task]:
        """Leave to the fixtures what they can name and what holds no connection; return these tasks."""
        idle = found - self._holders()
        for fixture in fixtures() if idle else ():
            named = chain.from_iterable(map(_tasks_in, values_named(fixture)))
            self._left_to_fixtures |= idle.intersection(named)
        return self._left_to_fixtures

    async def _end(self, found: set[Task]) -> set[Task]:
        """Cancel what may be cancelled, and give the rest to the process; return these tasks."""
        holders = self._holders()
        cancelled = {task for task in found if task in holders or tasks.is_of_the_project(task)}
        self.left.extend(map(_described, cancelled))
        for task in found - cancelled:
            _give_to_the_process(task)
        for task in cancelled:
            task.cancel()
        await tasks.turn_until(lambda: all(task.done() for task in cancelled), PATIENCE)
        _tell_of_ended([task for task in cancelled if task.done()], is_cancelled=True)
        return found

    def _tasks(self, loop: Loop, mine: Mine) -> set[Task]:
        return {
            task
            for task in asyncio.all_tasks(loop)
            if (owner := tasks.owner_of(task)) is not None and mine(owner) and not tasks.is_ours(task)
        }

    def _are_at_work(self, found: Iterable[Task]) -> bool:
        holders = self._holders()
        return any(
            task in holders or tasks.is_about_to_run(task) or self._uses_a_database(task) for task in found
        )

    def _holders(self) -> set[Task]:
        """Return the tasks that have a connection checked out."""
        return {task for each in self.in_use() if (task := each.task) is not None}

    def _uses_a_database(self, task: Task) -> bool:
        return any(self.in_a_driver(frame.f_code.co_filename) for frame in tasks.frames_of(task))

    # -- from outside

    def end_tasks_everywhere(self, mine: Mine, *, seconds: float = PATIENCE) -> None:
        """Have the tasks of some owners end, in every loop that stands still or runs in another thread."""
        for loop in self.loops:
            if self._tasks(loop, mine):
                self._end_tasks_in(loop, mine, seconds)

    def _end_tasks_in(self, loop: Loop, mine: Mine, seconds: float) -> None:
        if not loop.is_running():
            loop.run_until_complete(self.end_tasks(mine, seconds=seconds))
        elif loop is not asyncio._get_running_loop():
            ending = asyncio.run_coroutine_threadsafe(self.end_tasks(mine, seconds=seconds), loop)
            with suppress(TimeoutError):  # something blocks it
                ending.result((seconds + PATIENCE) * ROUNDS)
            ending.cancel()


def _tasks_in(value: Any) -> list[Task]:
    """Return a task, or those in a collection."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    found = list(value) if issubclass(type(value), COLLECTIONS) else [value]
    return [each for each in found if isinstance(each, asyncio.Task)]


def _seconds_for(mode: Mode) -> float:
    return 0.0 if mode == "cancel" else PATIENCE


def _give_to_the_process(task: Task) -> None:
    context = tasks.context_of(task)
    if context is not None:
        context.run(become, PROCESS)


def _described(task: Task) -> TaskLeft:
    owner = tasks.owner_of(task) or PROCESS
    return TaskLeft(owner, tasks.name_of(task), tasks.place_of(task))


def _tell_of_found(found: Collection[Task]) -> None:
    if TaskFound in listeners:
        for task in found:
            emit(TaskFound(*_described(task)))


def _tell_of_ended(ended: Collection[Task], *, is_cancelled: bool) -> None:
    if TaskEnded in listeners:
        for task in ended:
            emit(TaskEnded(tasks.owner_of(task) or PROCESS, tasks.name_of(task), is_cancelled))
