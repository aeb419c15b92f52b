"""The garbage collector, which has to wait at times."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Pauses:
    """Those that last: the collector goes on when the last one has ended."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._count = 0
        self._was_on = False

    def begin(self) -> None:
        with self._lock:
            if not self._count:
                self._was_on = gc.isenabled()
                gc.disable()
            self._count += 1

    def end(self) -> None:
        with self._lock:
            self._count -= 1
            if not self._count and self._was_on:
                gc.enable()


_pauses = _Pauses()


@contextmanager
def paused() -> Iterator[None]:
    """Have no garbage collected meanwhile, in any thread.

    Syntax trees have no cycles, and to look for some in a million nodes takes a third of the time.

    The frames of a thread that runs cannot be read otherwise. Until Python 3.12 has the collector run between two
    instructions only (gh-97922 in "What's New In Python 3.12"), the making of a frame object may start it: then the
    other thread goes on while a finalizer runs, and what ``f_back`` or ``f_locals`` reads afterwards is a frame that
    has returned. The process ends by a signal, or something else is taken for a frame.
    """
    _pauses.begin()
    try:
        yield
    finally:
        _pauses.end()
