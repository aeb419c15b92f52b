"""Make a pool like the one that an engine came with.

``Pool.recreate`` copies class and arguments, but also the listeners; here the copies *share* the original's
listeners, so that one added later, to the engine or to any of its pools, is heard by all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.pool import (
    AsyncAdaptedQueuePool,
    Pool,
    QueuePool,
    SingletonThreadPool,
    StaticPool,
)

from hermetic.database.engines import private


@dataclass(frozen=True)
class Blueprint:
    """How to make an engine's pool once more.

    Attributes:
        original: The pool the engine came with; never opened, never changed.
        in_memory: Whether the URL was in-memory SQLite: its pool of one connection is the in-memory database's
            life-line, not the user's wish, and on a worker database it would let one request roll back another's work.
    """

    original: Pool
    in_memory: bool

    def build(self) -> Pool:
        """Return a new pool, with the original's creator and listeners."""
        pool = self._queue() if self._is_lifeline() else self._like_the_original()
        pool.__dict__["dispatch"] = self.original.dispatch
        return pool

    def _is_lifeline(self) -> bool:
        return self.in_memory and isinstance(self.original, StaticPool | SingletonThreadPool)

    def _like_the_original(self) -> Pool:
        try:
            return self.original.recreate()
        except NotImplementedError:
            return self._queue()

    def _queue(self) -> Pool:
        original = self.original
        kind = AsyncAdaptedQueuePool if private.dialect_of(original).is_async else QueuePool
        return kind(private.creator_of(original), **private.settings_of(original))
