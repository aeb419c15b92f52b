"""Who can still go on: a picture of the tasks and threads of this process, while somebody waits for a lock.

A wait is for ever where whoever would end it waits, directly or through others, for whoever waits. A database sees that
among its own sessions only: it does not know that a test, idle in its transaction, awaits the request that it blocks.

Everybody who runs, sleeps, has a time limit, or waits for something that is not understood here can go on. So can
whoever waits for one of those: for the end of a task or a thread, for a future that it computes, for an event, a queue,
a lock or a stream that it has at hand. What is left over waits for itself. A mistake must be one to the side of going
on: a wait that is not ended lasts as long as it would without hermetic, one that is ended wrongly fails a good test.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property
from types import FrameType
from typing import Any, NamedTuple

from hermetic import tasks, threads
from hermetic.code import names_of
from hermetic.waits.reach import at_hand
from hermetic.waits.thread import (
    FILES,
    computed_in,
    frames_of,
    is_of_a_library,
    is_of_the_project,
    is_turning,
    joined_by,
    leading,
    loops_of,
    primitives,
    result_of,
    wait_of,
)

Task = asyncio.Task[Any]
Runner = Task | int
"""A task, or a thread by its identifier."""

MAIN = threading.main_thread().ident or 0
"""Whoever runs the tests, and, one after the other, the fixtures."""

LOCALS, GLOBALS, USED = 5, 3, 3
"""Steps from a frame's names to what is at hand, from a module's, and from a driver's frame to its connection."""


class Wait(NamedTuple):
    """A runner that waits for somebody's lock.

    Attributes:
        runner: Who.
        holders: Whoever would give the lock back.
    """

    runner: Runner
    holders: tuple[Runner, ...]


class Cancelled(NamedTuple):
    """What is done to a task by whoever has it at hand: it need not wait any longer.

    Attributes:
        task: The task.
    """

    task: Task


class Graph:
    """The picture; made when it is needed, and thrown away. The collector must be paused for as long as it is asked.

    Args:
        stopped: The event loops whose clock stands still: no timer of theirs runs out.
    """

    def __init__(self, stopped: Collection[asyncio.AbstractEventLoop] = ()) -> None:
        self._stopped = stopped
        ours = {
            threading.get_ident(),
            *(each.ident for each in threading.enumerate() if threads.is_ours(each)),
        }
        self._frames = {ident: frames_of(ident) for ident in sys._current_frames()}
        self._threads = [ident for ident in self._frames if ident not in ours]
        self._turning: dict[asyncio.AbstractEventLoop, int] = {}
        for ident, frames in self._frames.items():
            for loop, _ in loops_of(frames):
                self._turning.setdefault(loop, ident)
        self.tasks: list[Task] = [
            task for loop in self._turning for task in asyncio.all_tasks(loop) if not task.done()
        ]

    @property
    def loops(self) -> list[asyncio.AbstractEventLoop]:
        """The event loops that some thread turns."""
        return list(self._turning)

    def is_turned(self, task: Task) -> bool:
        """Whether some thread turns the loop of a task."""
        return task.get_loop() in self._turning

    def is_timed(self, runner: Runner) -> bool:
        """Whether somebody goes on when some time has gone by, whatever else is waited for."""
        return runner in self._timed

    def user_of(self, connection: object) -> Runner | None:
        """Return who is in a driver's call with a connection now; None where it is idle."""
        for task in self.tasks:
            if tasks.awaited_task(task) is None and _uses(connection, tasks.frames_of(task)[::-1]):
                return task
        for ident in self._threads:
            frames = self._frames[ident]
            # A driver's own thread is not its user, and remembers what it did last.
            if not is_turning(frames) and is_of_the_project(frames) and _uses(connection, frames):
                return ident
        return None

    def is_asleep(self, task: Task) -> bool:
        """Whether a task waits for some time to go by that will not: the clock of its loop stands still."""
        return task in self._asleep

    def behind(self, runner: Runner) -> Iterator[Runner]:
        """Give a runner, those that it waits for, those that these wait for, and so on."""
        found = [runner]
        for each in found:
            yield each
            found += [
                other for other in self.sources(each) or () if _is_somebody(other) and other not in found
            ]

    def able(self, waits: Sequence[Wait]) -> Able:
        """Return who can go on, given who waits for whose lock; nobody is cancelled."""
        return Able(self, {wait.runner: wait.holders for wait in waits})

    def able_or_cancelled(self) -> Able:
        """Return who can go on, or need not wait any longer since somebody cancels it who can go on."""
        return Able(self, {}, self._cancellers)

    # -- what somebody waits for

    def sources(self, runner: Runner) -> list[Any] | None:
        """Return what a runner waits for: other runners, or objects of which one has to be touched; None: nothing."""
        if isinstance(runner, int):
            return self._sources_of_thread(self._frames.get(runner, []))
        return self._sources_of_task(runner)

    def _sources_of_task(self, task: Task) -> list[Any] | None:
        thread = self._turning[task.get_loop()]
        if not is_turning(self._frames[thread]):
            return [thread]  # in the midst of something else, which has the loop stand still
        if task in self._timed or tasks.is_about_to_run(task):
            return None
        awaited = tasks.awaited_task(task)
        if awaited is not None:
            return [awaited]
        waiter = getattr(task, "_fut_waiter", None)
        ended_by = [each for each in self.tasks if each is not task and waiter in self._ends[each]]
        if ended_by:
            return ended_by
        if id(waiter) in self._computed:
            return [self._computed[id(waiter)]]
        found = primitives(tasks.frames_of(task)[::-1])
        if not _shows_timers(task.get_loop()) and not all(map(_is_a_client_s, found)):
            return None  # a timer may set an event
        found += [each for each in map(_application_s, found) if each is not None]
        return found if found or task in self._asleep else None

    def _sources_of_thread(self, frames: list[FrameType]) -> list[Any] | None:
        if not frames:
            return None
        if is_turning(frames):
            turned = list(loops_of(frames))
            ends = [future for loop, future in turned if loop is turned[0][0] and future is not None]
            return ends[:1] or None
        joined = joined_by(frames)
        if joined is not None:
            return [joined.ident]
        if wait_of(frames[0]) != "for good":
            return None
        future = result_of(frames)
        if future is not None:
            return [self._computed.get(id(future), future)]
        return [each for frame in leading(frames, FILES) if (each := names_of(frame).get("self"))] or None

    @cached_property
    def _timed(self) -> set[Task]:
        """The tasks that go on when some time has gone by."""
        return self._woken_in([each for each in self._turning if each not in self._stopped])

    @cached_property
    def _asleep(self) -> set[Task]:
        """The tasks that would, if the clocks of their loops went on."""
        return self._woken_in([each for each in self._turning if each in self._stopped])

    def _woken_in(self, loops: Iterable[asyncio.AbstractEventLoop]) -> set[Task]:
        found: set[Task] = set()
        for loop in loops:
            if not _shows_timers(loop):
                found.update(
                    each for each in self.tasks if each.get_loop() is loop and tasks.is_limited(each)
                )
                continue
            for handle in [each for each in _timers(loop) if not each.cancelled()]:
                found |= _woken_by(handle)
        return found

    def _cancellers(self, runner: Runner) -> list[Any]:
        """Return what a task is cancelled by, a failure in its group among it; a thread is not."""
        if isinstance(runner, int):
            return []
        others = [each for each in self.tasks if each is not runner and runner in self._ends[each]]
        return [*others, *tasks.scopes_of(runner), Cancelled(runner)]

    @cached_property
    def _ends(self) -> dict[Task, set[Any]]:
        """The futures that are done when a task is."""
        return {task: tasks.done_with(task) for task in self.tasks}

    @cached_property
    def _computed(self) -> dict[int, Runner]:
        """Futures, by identity, with the thread or the task that computes each."""
        found: dict[int, Runner] = {}
        for ident, frames in self._frames.items():
            for future in computed_in(frames):
                found.update((id(each), ident) for each in tasks.done_with(future))
        for task in self.tasks:
            for future in computed_in(tasks.frames_of(task)):
                if future is not getattr(task, "_fut_waiter", None):  # which it waits for itself
                    found.update((id(each), task) for each in tasks.done_with(future))
            found.update((id(each), task) for each in self._ends[task])
        return found

    # -- what somebody has at hand

    def at_hand(self, runner: Runner) -> set[int]:
        """Return the identities of what a runner can touch when it goes on; a driver's own thread is its user's."""
        frames = self.stack(runner)
        if isinstance(runner, int) and not is_of_the_project(frames):
            return set()
        spaces = {id(each.f_globals): each.f_globals for each in frames if not is_of_a_library(each)}
        found = at_hand([each for frame in frames for each in names_of(frame).values()], LOCALS)
        return found | at_hand([each for space in spaces.values() for each in space.values()], GLOBALS)

    def stack(self, runner: Runner) -> list[FrameType]:
        """Return the frames of a runner."""
        return self._frames.get(runner, []) if isinstance(runner, int) else tasks.frames_of(runner)

    def by_itself(self) -> set[int]:
        """Return the identities of what a loop touches when some time has gone by, or when a signal comes."""
        turning = [each for each in self._turning if each not in self._stopped]
        handles = [each for loop in turning for each in _timers(loop) if not _is_a_look(each)]
        handles += [each for loop in self._turning for each in _on_signals(loop)]
        return at_hand([part for each in handles for part in (each._callback, *(each._args or ()))], LOCALS)

    def everybody(self) -> list[Runner]:
        """Return all tasks and threads but those that are hermetic's own, and this one."""
        return [*self.tasks, *self._threads]


class Able:
    """Those who can go on.

    What somebody has at hand takes long to find out, and is asked only where nothing else says that one can go on.

    Args:
        graph: The picture.
        waits: Who waits for a lock, and for whom.
        more: What else has one that waits go on.
    """

    def __init__(
        self,
        graph: Graph,
        waits: dict[Runner, tuple[Runner, ...]],
        more: Callable[[Runner], Iterable[Any]] = lambda runner: (),
    ) -> None:
        self._graph = graph
        sources: dict[Runner, Sequence[Any] | None] = {
            each: graph.sources(each) for each in graph.everybody()
        }
        sources |= {each: None if graph.is_timed(each) else holders for each, holders in waits.items()}
        self._found: set[Runner] = {each for each, wanted in sources.items() if wanted is None}
        self._waiting = {
            each: [*wanted, *more(each)] for each, wanted in sources.items() if wanted is not None
        }
        self._follow(lambda wanted: any(_is_somebody(each) and each in self._found for each in wanted))

    def __contains__(self, runner: Runner) -> bool:
        if runner not in self._found:
            self._at_hand  # noqa: B018 - who has something at hand that others wait for
        return runner in self._found

    def _follow(self, is_there: Callable[[list[Any]], bool]) -> list[Runner]:
        """Add those who wait for something that is there, until there are no more; return them."""
        added: list[Runner] = []
        while new := [each for each, wanted in self._waiting.items() if is_there(wanted)]:
            self._found.update(new)
            added += new
            for each in new:
                del self._waiting[each]
        return added

    @cached_property
    def _at_hand(self) -> set[int]:
        found = self._graph.by_itself()
        new = list(self._found)
        while new:
            found.update(*map(self._graph.at_hand, new))
            new = self._follow(lambda wanted: self._comes_to(wanted, found))
        return found

    def _comes_to(self, wanted: Iterable[Any], at_hand: set[int]) -> bool:
        return any(
            each in self._found if _is_somebody(each) else id(_touched(each)) in at_hand for each in wanted
        )

    @property
    def of_the_project(self) -> bool:
        """Whether a line of the project's is on the stack of one of them."""
        return any(is_of_the_project(self._graph.stack(each)) for each in self._found)

    def have(self, things: Iterable[object]) -> bool:
        """Whether somebody who can go on has one of these things at hand."""
        return any(id(each) in self._at_hand for each in things)


def _is_somebody(each: object) -> bool:
    return isinstance(each, int | asyncio.Task)


def _touched(each: object) -> object:
    return each.task if isinstance(each, Cancelled) else each


def _timers(loop: asyncio.AbstractEventLoop) -> list[Any]:
    return list(getattr(loop, "_scheduled", ()))


def _on_signals(loop: asyncio.AbstractEventLoop) -> list[Any]:
    """Return what a loop does when a signal comes, from wherever it may; what uvloop's does is not seen."""
    return list(getattr(loop, "_signal_handlers", {}).values())


def _woken_by(handle: Any) -> set[Task]:
    """Return the tasks that go on when a timer has run out."""
    if _is_a_look(handle):
        return set()
    return _waiting_for(handle)


def _waiting_for(handle: Any) -> set[Task]:
    futures = tasks.futures_at(handle._callback, *(handle._args or ()))
    return set().union(*map(tasks.waiting_for, futures))


def _is_a_look(handle: Any) -> bool:
    """Whether a timer only has the function of a driver that waits look whether it may go on."""
    code = getattr(handle._callback, "__code__", None)
    innermost = [frames[-1] for each in _waiting_for(handle) if (frames := tasks.frames_of(each))]
    return code is not None and any(
        is_of_a_library(frame) and code in frame.f_code.co_consts for frame in innermost
    )


def _shows_timers(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether it can be seen what a loop will do when some time has gone by; uvloop's cannot."""
    return hasattr(loop, "_scheduled")


def _is_a_client_s(thing: object) -> bool:
    return type(thing).__module__.startswith("hermetic")


def _application_s(thing: object) -> Task | None:
    """Return the task in which a client that is waited for runs the application: whoever waits goes on with that."""
    task = getattr(thing, "_task", None) if _is_a_client_s(thing) else None
    return task if isinstance(task, asyncio.Task) and not task.done() else None


def _uses(connection: object, frames: Sequence[FrameType]) -> bool:
    """Whether one of the innermost frames, those of a driver, has a connection at hand."""
    names: list[Any] = []
    for frame in frames:
        if not is_of_a_library(frame):
            break
        names += names_of(frame).values()
    return id(connection) in at_hand(names, USED)
