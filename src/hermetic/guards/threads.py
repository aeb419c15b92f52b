"""Know, for whatever a bare thread does, who started it, and where.

A ``threading.Thread`` has no context of its own (before Python 3.14), so that a poller which a lifespan runs in one
would be taken for the work of whichever test runs at the moment. Threads of an executor serve whoever comes: what they
do is not their starter's. Where a thread was started is asked for when a run does not end because of it.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, cast
from weakref import WeakKeyDictionary

from hermetic.code import UNKNOWN, Location, place_in_the_project
from hermetic.owners import Owner, current, note_thread

_EXECUTORS = "concurrent.futures"


class Started(NamedTuple):
    """Who started a thread.

    Attributes:
        owner: Who.
        location: At which line of the user's.
    """

    owner: Owner
    location: Location


class ThreadWatch:
    """Notes who starts each thread, from ``install`` to ``uninstall``."""

    def __init__(self) -> None:
        self._original: Callable[[threading.Thread], None] | None = None
        self._ours: Any = None
        self._started: WeakKeyDictionary[threading.Thread, Started] = WeakKeyDictionary()

    def install(self) -> None:
        """Start."""
        original = threading.Thread.start

        @functools.wraps(original)
        def start(self: threading.Thread) -> None:
            if watch._original is not None:
                watch._note(self)
            original(self)

        watch = self
        self._original, self._ours = original, start
        cast(Any, threading.Thread).start = start

    def uninstall(self) -> None:
        """Put the method back that was there, unless somebody has replaced ours since: then ours only passes on."""
        original, self._original = self._original, None
        if original is not None and threading.Thread.start is self._ours:
            cast(Any, threading.Thread).start = original

    def started(self, thread: threading.Thread) -> Started | None:
        """Return who started a thread that keeps a process from ending; None where that was not seen."""
        return self._started.get(thread)

    def _note(self, thread: threading.Thread) -> None:
        if not serves_whoever_comes(thread):
            note_thread(thread)
        if not thread.daemon:
            self._started[thread] = Started(current(), place_in_the_project(sys._getframe()) or UNKNOWN)


def serves_whoever_comes(thread: threading.Thread) -> bool:
    """Whether a thread is one of an executor's."""
    module = getattr(getattr(thread, "_target", None), "__module__", None) or ""
    return module.startswith(_EXECUTORS)
