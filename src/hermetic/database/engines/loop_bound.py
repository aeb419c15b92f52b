"""A pool that keeps one real pool for each running event loop.

"attached to a different loop" cannot happen when no connection ever meets a second loop. The engine keeps this one pool
for its life; ``connect`` asks the pool of the loop that runs now, which is made at its first use, of the class and with
the arguments that the user chose. ``await engine.dispose()`` in an application's shutdown concerns the loop it runs in:
disposing of everybody's connections would pull them from under loops that still run.

SQLAlchemy treats pools as loop-bound too, but only in prose: "Using multiple asyncio event loops" in its docs tells
users to dispose of the engine, or to use NullPool.

SQLAlchemy lets one connection initialize the dialect while others wait for an ``asyncio.Lock``, kept with the engine's
listeners. Those are shared by the pools of all loops, and that lock binds itself to the first loop in which somebody
has to wait: a second loop then fails with "is bound to a different event loop", or, in another thread, waits for ever.
So it gets another lock.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.exc import TimeoutError
from sqlalchemy.pool import Pool, PoolProxiedConnection
from sqlalchemy.util import await_only

from hermetic.database.engines import private

Loop = asyncio.AbstractEventLoop


class LoopBoundPool(Pool):
    """Stands in an async engine's place for its pool and delegates to the pool of the running loop.

    Args:
        original: The pool the engine came with; its listeners are shared, it is never connected.
        make: Makes the real pool for a loop (None: no loop runs) when it is first needed there.
        on_exhausted: Called with a real pool that had no connection to give, while those who have them still do.
    """

    def __init__(
        self,
        original: Pool,
        make: Callable[[Loop | None], Pool],
        on_exhausted: Callable[[Pool], None] = lambda pool: None,
    ) -> None:
        super().__init__(private.creator_of(original), **private.settings_of(original))
        self.__dict__["dispatch"] = original.dispatch
        private.lock_first_connect_by(original, AnyLoopMutex)
        self.original = original
        self._make = make
        self._on_exhausted = on_exhausted
        self._pools: WeakKeyDictionary[Loop, Pool] = WeakKeyDictionary()
        self._without_loop: Pool | None = None
        self._pools_lock = threading.Lock()

    @property
    def current(self) -> Pool:
        """The real pool of the running loop."""
        loop = asyncio._get_running_loop()
        if loop is None:
            return self._current_without_loop()
        return self._pools.get(loop) or self._made_for(loop)

    def _made_for(self, loop: Loop) -> Pool:
        with self._pools_lock:
            for old in [each for each in self._pools if each.is_closed()]:
                del self._pools[old]
            pool = self._pools[loop] = self._make(loop)
            return pool

    def _current_without_loop(self) -> Pool:
        with self._pools_lock:
            if self._without_loop is None:
                self._without_loop = self._make(None)
            return self._without_loop

    def loops(self) -> list[Loop]:
        """Return the loops that have a pool here."""
        with self._pools_lock:
            return list(self._pools)

    def connect(self) -> PoolProxiedConnection:
        pool = self.current
        try:
            return pool.connect()
        except TimeoutError:
            self._on_exhausted(pool)
            raise

    def dispose(self) -> None:
        """Close the idle connections of the running loop's pool."""
        self.current.dispose()

    def recreate(self) -> Pool:
        """Begin the running loop's pool anew; the engine keeps this one."""
        loop = asyncio._get_running_loop()
        with self._pools_lock:
            if loop is None:
                self._without_loop = None
            else:
                self._pools.pop(loop, None)
        return self

    def status(self) -> str:
        return self.current.status()

    def _invalidate(
        self,
        connection: PoolProxiedConnection,
        exception: BaseException | None = None,
        _checkin: bool = True,
    ) -> None:
        self.current._invalidate(connection, exception, _checkin)

    def __getattr__(self, name: str) -> Any:
        """Give what only the real pool has: ``size``, ``checkedout``, ``overflow``, a class's own methods."""
        if name.startswith("__") or "_pools_lock" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.current, name)


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
