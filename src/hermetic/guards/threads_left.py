"""Threads that a test, or a request of it, started and left running.

Those that a library starts for itself, to speak to a database or to send what is measured, are its own business, and so
are an executor's, which serve whoever comes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from hermetic.causes.guards import THREAD_LEFT_RUNNING
from hermetic.code import place_in_the_project
from hermetic.events.lifecycle import Breach
from hermetic.guards.threads import Started
from hermetic.owners import Owner
from hermetic.threads import now

PATIENCE = 1.0
"""Seconds that the threads of a test get to end by themselves."""


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
