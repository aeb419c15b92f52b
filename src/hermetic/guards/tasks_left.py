"""Tasks that a test left: those that still ran when it ended, and those whose exception nobody has seen."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from traceback import walk_tb
from typing import Any
from weakref import WeakSet

from hermetic import tasks
from hermetic.causes.guards import EXCEPTION_LOST
from hermetic.code import UNKNOWN, Location, is_library
from hermetic.errors import BackgroundError
from hermetic.events.lifecycle import Breach, TaskLeft
from hermetic.owners import Owner
from hermetic.patch import Patch

Context = dict[str, Any]
Handle = Callable[[asyncio.AbstractEventLoop, Context], None]


class TaskWatch:
    """The guard ``tasks``: what had to be cancelled at the end of a test.

    Args:
        left: Returns that, once the test has ended.
    """

    def __init__(self, left: Callable[[], Sequence[TaskLeft]]) -> None:
        self._left = left

    def begin(self, test: Owner) -> None:
        """There is nothing to note: who started a task is known when it is found."""

    def end(self, test: Owner) -> Iterator[Breach]:
        """Name each task."""
        del test
        for task in self._left():
            file, _, line = task.place.rpartition(":")
            at = Location(file, int(line), task.name) if line.isdigit() else UNKNOWN
            yield Breach("tasks", task.owner, at, str(_still_running(task)))

    def stop(self) -> None:
        """There is nothing to undo."""


def _still_running(task: TaskLeft) -> BackgroundError:
    return BackgroundError(
        f"{task} when the test ended",
        why="Tasks get a second to end; it was cancelled then, and what it wrote is undone.",
        hints=(
            "wait for it in the test: await async_client.drain()",
            "or await it where it is started, or let a task group of the lifespan have it",
        ),
    )


class LostExceptionWatch:
    """The guard ``lost_exceptions``: tasks of a test that failed, while nobody was there to be told.

    asyncio tells the loop of such a task when nobody holds it any more, and all that a loop does is to log it. Where an
    application, or a plugin, has a handler for that (anyio's has), it is left to it. Of one that somebody still holds
    when the test ends, such as a set of the module that nothing is taken out of, no loop is told at all.
    """

    def __init__(self) -> None:
        self._found: list[Breach] = []
        self._told: WeakSet[tasks.Task] = WeakSet()
        self._is_on = False
        self._patches: dict[type, Patch] = {}

    def begin(self, test: Owner) -> None:
        """Note what loops are told from now on."""
        del test
        self._is_on = True
        if asyncio.BaseEventLoop not in self._patches:
            self._replace(asyncio.BaseEventLoop)
        if "uvloop" in sys.modules and (kind := sys.modules["uvloop"].Loop) not in self._patches:
            self._replace(kind)

    def end(self, test: Owner) -> Sequence[Breach]:
        """Return what was the test's own."""
        self._is_on = False
        for task in tasks.failed_unseen():
            if task not in self._told:
                self._told.add(task)
                self._found += _lost(
                    {"future": task, "exception": task._exception}, "nobody saw it during the test"
                )
        if not self._found:
            return ()
        found, self._found = self._found, []
        return [each for each in found if each.owner.test is test]

    def stop(self) -> None:
        """Have loops told as ever."""
        while self._patches:
            self._patches.popitem()[1].undo()

    def _replace(self, kind: type) -> None:
        self._patches[kind] = Patch(kind, "call_exception_handler", self._noting)

    def _noting(self, patch: Patch) -> Handle:
        def call_exception_handler(loop: asyncio.AbstractEventLoop, context: Context) -> None:
            if self._is_on and loop.get_exception_handler() is None:
                self._found += _lost(context)
            patch.original(loop, context)

        return call_exception_handler


def _lost(context: Context, how: str = "nobody has seen it") -> Iterator[Breach]:
    task, error = context.get("future"), context.get("exception")
    if not isinstance(task, asyncio.Task) or not isinstance(error, Exception):
        return
    owner = tasks.owner_of(task)
    if owner is None or not (owner.is_test_level and owner.accountable):
        return
    lines = [
        Location(frame.f_code.co_filename, line, frame.f_code.co_name)
        for frame, line in walk_tb(error.__traceback__)
        if not is_library(frame.f_code.co_filename)
    ]
    if not lines:  # a library's own, which no line of the project's could await
        return
    name = tasks.name_of(task)
    kind = type(error).__name__
    message = EXCEPTION_LOST.told(
        (
            f"{owner.name} started the task `{name}`, which failed by {kind}; {how}.",
            f"It was raised at {lines[-1]}.",
        ),
        (
            f"await the task, or have a task group await it: whoever starts `{name}` learns of its {kind} then",
        ),
    )
    yield Breach("lost_exceptions", owner, lines[-1], message)
