"""Run something in a thread of its own, and wait for it: where a loop runs already, another one cannot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context


def in_thread(function: Callable[[], None]) -> None:
    """Run ``function`` in a thread that has no event loop yet, with this context's variables; wait for it."""
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            function()
        except BaseException as error:  # handed on to the caller, whatever it is
            failures.append(error)

    thread = threading.Thread(target=copy_context().run, args=(guarded,), name="hermetic-thread")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
