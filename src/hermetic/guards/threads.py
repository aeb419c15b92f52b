"""Know, for whatever a bare thread does, who started it.

A ``threading.Thread`` has no context of its own (before Python 3.14), so that a poller which a lifespan runs in one
would be taken for the work of whichever test runs at the moment. Threads of an executor serve whoever comes: they stay
out.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, cast

from hermetic.owners import note_thread

_EXECUTORS = "concurrent.futures"


class ThreadWatch:
    """Notes who starts each thread, from ``install`` to ``uninstall``."""

    def __init__(self) -> None:
        self._original: Callable[[threading.Thread], None] | None = None
        self._ours: Any = None

    def install(self) -> None:
        """Start."""
        original = threading.Thread.start

        @functools.wraps(original)
        def start(self: threading.Thread) -> None:
            if watch._original is not None and not _serves_whoever_comes(self):
                note_thread(self)
            original(self)

        watch = self
        self._original, self._ours = original, start
        cast(Any, threading.Thread).start = start

    def uninstall(self) -> None:
        """Put the method back that was there, unless somebody has replaced ours since: then ours only passes on."""
        original, self._original = self._original, None
        if original is not None and threading.Thread.start is self._ours:
            cast(Any, threading.Thread).start = original


def _serves_whoever_comes(thread: threading.Thread) -> bool:
    module = getattr(getattr(thread, "_target", None), "__module__", None) or ""
    return module.startswith(_EXECUTORS)
