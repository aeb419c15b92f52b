"""A test that waits for ever, in Python alone: the wait is ended, and named.

A stream that has sent what it had and waits for a queue, while the test reads it to its end; two sides of a websocket
that both listen; an event that nobody sets; ``asyncio.sleep`` on a loop whose clock a test has stopped. No time limit
of a client's or of a database's ends those, and pytest says nothing.

A thread looks every ``PAUSE`` seconds at a test that has lasted for ``PATIENCE``. What ``hermetic.waits`` finds is a
picture of who waits for whom; if nobody who could go on leads to the main thread, time after time, then the innermost
of those that it waits for is given an error in the place of what it waits for. Whatever waits for something that is not
understood can go on. What comes by a socket, or by a library's thread, touches more than can be followed: where there
is one, the test is given longer. Where the guard only warns, nothing is ended.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from traceback import walk_tb
from typing import Any

from hermetic import collector, tasks
from hermetic.causes.applications import STREAM_NEVER_ENDS
from hermetic.causes.hangs import CLOCK_STANDS, NOBODY_GOES_ON
from hermetic.code import UNKNOWN, Location, is_library, place_in_the_project
from hermetic.events.lifecycle import Breach
from hermetic.owners import Owner
from hermetic.threads import OURS, now
from hermetic.waits.graph import MAIN, Able, Graph
from hermetic.waits.thread import is_turning, primitives

Loop = asyncio.AbstractEventLoop
Task = asyncio.Task[Any]

PAUSE = 0.5
"""Seconds between two looks."""

PATIENCE, WITH_OTHERS = 4.0, 20.0
"""Seconds that a test has lasted before it is looked at: by itself, and where something may come from elsewhere."""

LOOKS = 4
"""Looks in a row that must have shown it."""

SHOWN = 5

OWN_SOCKETS = 1
"""How many sockets a loop has for itself: by it other threads wake it."""


class NobodyGoesOn(RuntimeError):
    """A test waits for itself: raised where it would wait for ever."""


class StuckWatch:
    """The guard ``stuck``; its thread is started when the first test begins.

    Args:
        ends: Whether a wait of the test at hand is ended; else it is only told of.
    """

    def __init__(self, ends: Callable[[], bool]) -> None:
        self._ends = ends
        self._found: list[Breach] = []
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._test: tuple[Owner, float] | None = None
        self._clocks: dict[Loop, tuple[float | None, float]] = {}
        self._seen = 0

    def begin(self, test: Owner) -> None:
        """Look from now on."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name=f"{OURS}stuck", daemon=True)
            self._thread.start()
        self._test = test, now()

    def end(self, test: Owner) -> list[Breach]:
        """Look no longer; return what was seen and not ended."""
        self._test = None
        found, self._found = self._found, []
        return found

    def stop(self) -> None:
        """Have the thread end."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        looked_at = None
        while not self._stopping.wait(PAUSE):
            test = self._test
            if test is not looked_at:
                looked_at, self._seen = test, 0
                self._clocks.clear()
            if test is not None and now() - test[1] >= PATIENCE:
                with suppress(RuntimeError), collector.paused():  # what is looked at may change meanwhile
                    self._look(*test)

    def _look(self, test: Owner, began: float) -> None:
        graph = Graph([loop for loop, (before, at) in list(self._clocks.items()) if before == at])
        for loop in graph.loops:
            loop.call_soon_threadsafe(self._note_clock, loop)
        able = graph.able_or_cancelled()
        is_stuck = MAIN not in able and now() - began >= (
            WITH_OTHERS if _has_others(graph, able) else PATIENCE
        )
        self._seen = self._seen + 1 if is_stuck else 0
        if self._seen >= LOOKS:
            self._seen = 0
            self._end(graph, test)

    def _end(self, graph: Graph, test: Owner) -> None:
        """Give the task that is to blame an error in the place of what it waits for; or note it, once a test."""
        ended = _to_be_ended(graph)
        if ended is None:
            return
        told = _told(graph, ended, test)
        if self._ends():
            ended.get_loop().call_soon_threadsafe(_fail, ended, NobodyGoesOn(told))
        elif not self._found:
            self._found.append(Breach("stuck", tasks.owner_of(ended) or test, _location(ended), told))

    def _note_clock(self, loop: Loop) -> None:
        """Note the time as the loop itself is told it: a clock may be stopped for some modules only."""
        _, before = self._clocks.get(loop, (None, None))
        self._clocks[loop] = before, loop.time()


def _has_others(graph: Graph, able: Able) -> bool:
    """Whether something may come to a test from elsewhere: by a socket of its loop, or by a thread at work."""
    return any(map(_has_sockets, graph.loops)) or any(
        isinstance(each, int) and each in able for each in graph.everybody()
    )


def _has_sockets(loop: Loop) -> bool:
    selector: Any = getattr(loop, "_selector", None)
    known = None if selector is None else selector.get_map()
    return known is None or len(known) > OWN_SOCKETS


def _to_be_ended(graph: Graph) -> Task | None:
    """Return the innermost task for which the main thread waits; one that sends a stream goes first.

    Who sends a stream, or answers, may be another one than who waits for the client to be gone, or for an answer.
    """
    able = graph.able_or_cancelled()
    stuck = [each for each in graph.tasks if _is_last(each) and each not in able]
    streams = [each for each in stuck if _is_streaming(each)]
    waiting = [each for each in graph.behind(MAIN) if each in stuck and isinstance(each, asyncio.Task)]
    own = [each for each in waiting if tasks.is_of_the_project(each)]
    answering = [each for each in stuck if _is_answering(each)]
    return next(iter((*streams, *own[::-1], *answering, *waiting[::-1])), None)


def _location(task: Task) -> Location:
    frames = [each for each in tasks.frames_of(task) if not is_library(each.f_code.co_filename)]
    return Location.of_frame(frames[-1]) if frames else UNKNOWN


def _is_streaming(task: Task) -> bool:
    """Whether a task is in the midst of an answer that it sends in parts."""
    return any(frame.f_code.co_name.lstrip("_") == "stream_response" for frame in tasks.frames_of(task))


def _is_answering(task: Task) -> bool:
    """Whether an endpoint answers a request in a task, or in a thread for it; one of a websocket may listen."""
    return any(frame.f_code.co_name == "run_endpoint_function" for frame in tasks.frames_of(task))


def _is_last(task: Task) -> bool:
    return not tasks.is_about_to_run(task) and tasks.awaited_task(task) is None


def _fail(task: Task, error: NobodyGoesOn) -> None:
    waiter = getattr(task, "_fut_waiter", None)
    if waiter is not None and not waiter.done():
        waiter.set_exception(error)


# -- what is said


def _told(graph: Graph, ended: Task, test: Owner) -> str:
    owner, place = _who_and_where(graph, ended, test)
    if graph.is_asleep(ended):
        return _of_a_clock(owner, place)
    places = [*_failures(), *_places(graph, place, test)]
    if _is_streaming(ended):
        return STREAM_NEVER_ENDS.told(
            (
                f"{_named(owner)} has not sent the last part of its answer: it waits at {place} for {_awaited(ended)},"
                " and nobody who could go on has that.",
                *places,
            ),
            (
                "stop reading once the test has what it wants: leave the loop, or the block of"
                " async_client.stream(), which ends the request; another client may collect all of it first",
                "or an end for that stream: a number of events, or a time, that a test can set",
            ),
        )
    return NOBODY_GOES_ON.told(
        (
            f"{_named(owner)} waits for ever at {place}, for {_awaited(ended)}: nobody who could go on has that.",
            *places,
        ),
        (f"{place}: have somebody else end that wait, or give it a limit: asyncio.timeout()",),
    )


def _who_and_where(graph: Graph, ended: Task, test: Owner) -> tuple[Owner, str]:
    """Return who waits, and the line of the project's: of the task, of a thread that works for it, or of the test."""
    owner = tasks.owner_of(ended) or test
    if tasks.is_of_the_project(ended):
        return owner, tasks.place_of(ended)
    inner = [each for each in graph.behind(ended) if isinstance(each, int) and each != MAIN]
    for who, thread in (*((owner, each) for each in inner), (test, MAIN)):
        place = _place_of(graph, thread)
        if place is not None:
            return who, place
    return owner, tasks.place_of(ended)


def _place_of(graph: Graph, thread: int) -> str | None:
    """Return the innermost line of the project's in a thread that does not turn a loop."""
    stack = graph.stack(thread)
    place = place_in_the_project(stack[0]) if stack and not is_turning(stack) else None
    return None if place is None else str(place)


def _failures() -> Iterator[str]:
    """Name the tasks that have failed meanwhile: one of them might have gone on."""
    for task in tasks.failed_unseen()[:SHOWN]:
        # To ask the task for it would be to have seen it.
        error: BaseException | None = getattr(task, "_exception", None)
        trace = None if error is None else error.__traceback__
        places = [f"{frame.f_code.co_filename}:{line}" for frame, line in walk_tb(trace)]
        at = f" at {places[-1]}" if places else ""
        yield f"The task {tasks.name_of(task)}() has ended by {type(error).__name__}{at}: it can end no wait any more."


def _of_a_clock(owner: Owner, place: str) -> str:
    is_frozen = bool(getattr(sys.modules.get("freezegun.api"), "freeze_factories", ()))
    by = "freeze_time() of freezegun has stopped" if is_frozen else "somebody has stopped, or replaced,"
    change = (
        "freeze_time(..., real_asyncio=True), which leaves the event loop its clock; or tick=True"
        if is_frozen
        else "leave time.monotonic() as it is, and stop the clock of the code under test alone"
    )
    return CLOCK_STANDS.told(
        (
            f"{_named(owner)} waits at {place} for some time to go by, and the clock of its event loop stands still:"
            f" {by} time.monotonic() as well.",
        ),
        (change,),
    )


def _places(graph: Graph, told: str, test: Owner) -> Iterator[str]:
    """Say where the others wait, in the project's code."""
    able = graph.able_or_cancelled()
    found: list[str] = []
    for runner in [each for each in graph.everybody() if each not in able]:
        if isinstance(runner, int):
            who, place = test.name if runner == MAIN else "A thread", _place_of(graph, runner)
        else:
            who = _named(tasks.owner_of(runner) or test)
            place = tasks.place_of(runner) if tasks.is_of_the_project(runner) else None
        if place is not None and place != told:
            found.append(f"{who} waits at {place}.")
    yield from found[-SHOWN:]


def _named(owner: Owner) -> str:
    """Return what an owner is called, at the begin of a sentence."""
    return owner.name[:1].upper() + owner.name[1:] if owner.kind == "request" else owner.name


def _awaited(task: Task) -> str:
    """Return what a task waits for, by the class that it stands in."""
    found = primitives(tasks.frames_of(task)[::-1])
    kind = type(found[0]).__name__ if found else "something"
    return f"{'an' if kind[0] in 'AEIO' else 'a'} {kind}"
