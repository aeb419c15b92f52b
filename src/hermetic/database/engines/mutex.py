"""One connection at a time is the first: a lock that waits in any event loop.

SQLAlchemy lets one connection initialize the dialect while others wait for an ``asyncio.Lock``, kept with the engine's
listeners. Those are shared by the pools of all loops, and that lock binds itself to the first loop in which somebody
has to wait: a second loop then fails with "is bound to a different event loop", or, in another thread, waits for ever.
"""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType

from sqlalchemy.util import await_only

_PAUSE = 0.001


class AnyLoopMutex:
    """A lock for SQLAlchemy's greenlets, whichever loop and thread they run in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> bool:
        while not self._lock.acquire(blocking=False):
            await_only(asyncio.sleep(_PAUSE))
        return True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()
