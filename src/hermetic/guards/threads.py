"""Know, for whatever a bare thread does, who started it, and where; name those that a test left running.

A ``threading.Thread`` has no context of its own (before Python 3.14), so that a poller which a lifespan runs in one
would be taken for the work of whichever test runs at the moment. Threads of an executor serve whoever comes: what they
do is not their starter's. Where a thread was started is asked for when a run does not end because of it.

Left running is what a test, or a request of it, started. The threads that a library starts for itself, to speak to a
database or to send what is measured, are its own business, and so are an executor's.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NamedTuple
from weakref import WeakKeyDictionary

from hermetic import collector
from hermetic.causes.guards import THREAD_LEFT_RUNNING
from hermetic.code import UNKNOWN, Location, is_library, place_in_the_project
from hermetic.events.lifecycle import Breach
from hermetic.owners import Owner, current, note_thread
from hermetic.patch import Patch
from hermetic.threads import now

_EXECUTORS = "concurrent.futures"

PATIENCE = 1.0
"""Seconds that the threads of a test get to end by themselves."""


class Started(NamedTuple):
    """Who started a thread.

    Attributes:
        owner: Who.
        location: At which line of the user's.
        is_of_the_project: Whether that line itself started it, and not a library that it called.
    """

    owner: Owner
    location: Location
    is_of_the_project: bool


class ThreadWatch:
    """Notes who starts each thread, from ``install`` to ``uninstall``."""

    def __init__(self) -> None:
        self._patch: Patch | None = None
        self._started: WeakKeyDictionary[threading.Thread, Started] = WeakKeyDictionary()

    def install(self) -> None:
        """Start."""
        self._patch = Patch(threading.Thread, "start", self._noting)

    def _noting(self, patch: Patch) -> Callable[[threading.Thread], None]:
        def start(thread: threading.Thread) -> None:
            if patch.is_on:
                self._note(thread)
            patch.original(thread)

        return start

    def uninstall(self) -> None:
        """Note none any more."""
        if self._patch is not None:
            self._patch.undo()
            self._patch = None

    def started(self, thread: threading.Thread) -> Started | None:
        """Return who started a thread; None where that was not seen, and of an executor's that is a daemon."""
        return self._started.get(thread)

    def _note(self, thread: threading.Thread) -> None:
        serves = serves_whoever_comes(thread)
        if not serves:
            note_thread(thread)
        if not (serves and thread.daemon):
            starter = _starter(thread)
            is_direct = starter is not None and not is_library(starter.f_code.co_filename) and not serves
            location = place_in_the_project(starter) or UNKNOWN
            self._started[thread] = Started(current(), location, is_direct)


def _starter(thread: threading.Thread) -> FrameType | None:
    """Return the frame that starts a thread: the first that is neither ours nor a method of the thread's."""
    frame: FrameType | None = sys._getframe(3)
    while frame is not None and frame.f_locals.get("self") is thread:
        frame = frame.f_back
    return frame


def serves_whoever_comes(thread: threading.Thread) -> bool:
    """Whether a thread is one of an executor's."""
    module = getattr(getattr(thread, "_target", None), "__module__", None) or ""
    return module.startswith(_EXECUTORS)


class ThreadsLeftWatch:
    """The guard ``threads``.

    Args:
        started: Returns who started a thread; None where that was not seen.
    """

    def __init__(self, started: Callable[[threading.Thread], Started | None]) -> None:
        self._started = started

    def begin(self, test: Owner) -> None:
        """There is nothing to note: who started a thread is noted in every run."""

    def end(self, test: Owner) -> Iterator[Breach]:
        """Name each thread that does not end in time."""
        deadline = now() + PATIENCE
        for thread in threading.enumerate():
            started = self._started(thread)
            if started is not None and started.is_of_the_project and started.owner.test is test:
                thread.join(max(deadline - now(), 0.0))
                if thread.is_alive():
                    yield _left_running(thread, started)

    def stop(self) -> None:
        """There is nothing to undo."""


def _left_running(thread: threading.Thread, started: Started) -> Breach:
    from hermetic.waits.thread import frames_of

    with collector.paused():
        at = place_in_the_project(next(iter(frames_of(thread.ident or 0)), None))
    where = "a library" if at is None else f"{at.function}, at {at}"
    message = THREAD_LEFT_RUNNING.told(
        (
            f"{started.owner.name} left a thread running ({thread.name}).",
            f"It was started at {started.location}, and is in {where}.",
        ),
        (f"{started.location}: have it end, and wait for that: thread.join()",),
    )
    return Breach("threads", started.owner, started.location, message)
