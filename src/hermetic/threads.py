"""Run something in a thread of its own: where a loop runs, another one cannot; where it is waited for, it must turn.

And the time that a wait goes by, which no test can stop.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from time import perf_counter, sleep
from typing import Generic, TypeVar, cast

T = TypeVar("T")

OURS = "hermetic-"
"""How the names of hermetic's own threads begin."""

PAUSE = 0.0002
"""Seconds of a pause between two turns: other threads get on with what the loop waits for."""


class Work(Generic[T]):
    """Something that is done in a thread that has no event loop yet, with this context's variables.

    Args:
        function: What is done; begins at once.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._result: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=copy_context().run, args=(self._do,), name=f"{OURS}thread")
        self._thread.start()

    def _do(self) -> None:
        try:
            self._result = self._function()
        except BaseException as error:  # handed on to the caller, whatever it is
            self._error = error

    def is_done(self) -> bool:
        """Whether it is over."""
        return not self._thread.is_alive()

    def result(self) -> T:
        """Wait for its end; return what it returned, or raise what it raised."""
        self._thread.join()
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
        finally:
            del error
        return cast(T, self._result)


def is_ours(thread: threading.Thread) -> bool:
    """Whether a thread is hermetic's own."""
    return thread.name.startswith(OURS)


def in_thread(function: Callable[[], T]) -> T:
    """Do something in a thread of its own, and wait for it."""
    return Work(function).result()


now: Callable[[], float] = partial(perf_counter)
"""Return a time in seconds that no test can stop.

freezegun replaces the functions of ``time`` in every module's namespace, but not what holds one; time-machine replaces
``time.monotonic`` itself, but leaves ``perf_counter`` alone.
"""


def pause(seconds: float = PAUSE, sleep: Callable[[float], None] = sleep) -> None:
    """Let other threads run for a moment, whatever a test does to the clock."""
    sleep(seconds)
