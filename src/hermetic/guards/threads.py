"""Know, for whatever a bare thread does, who started it, and where.

A ``threading.Thread`` has no context of its own (before Python 3.14), so that a poller which a lifespan runs in one
would be taken for the work of whichever test runs at the moment. Threads of an executor serve whoever comes: what they
do is not their starter's. Where a thread was started is asked for when a run does not end because of it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NamedTuple
from weakref import WeakKeyDictionary

from hermetic.code import UNKNOWN, Location, is_library, place_in_the_project
from hermetic.owners import Owner, current, note_thread
from hermetic.patch import Patch

_EXECUTORS = "concurrent.futures"


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
