"""What is known of each engine, kept on the engine itself.

A table outside, keyed weakly by engine, would keep every engine alive: an entry holds the engine's pool, the pool's
listeners hold the dialect's initialization, and that holds the engine.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from weakref import WeakSet

from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool

from hermetic.database.engines.destinations import Creation, Destination


@dataclass(eq=False)
class Seen:
    """An engine's pool as it came, and what became of it.

    Attributes:
        original: The pool the engine came with.
        created: Who made the engine; None for one older than the installation.
        destination: Where its connections go; None until its first use.
        number: Counts what was seen: an older engine has a smaller one.
    """

    original: Pool
    created: Creation | None = None
    destination: Destination | None = None
    number: int = field(default_factory=lambda: next(_numbers))


_numbers: Iterator[int] = count()


class SeenEngines:
    """The living engines that were made or used since the installation."""

    def __init__(self) -> None:
        self._key = f"_hermetic_{id(self):x}"
        self._engines: WeakSet[Engine] = WeakSet()
        self._unused: WeakSet[Engine] = WeakSet()
        self._lock = threading.Lock()

    def get(self, engine: Engine) -> Seen | None:
        seen: Seen | None = engine.__dict__.get(self._key)
        return seen

    def put(self, engine: Engine, seen: Seen) -> Seen:
        engine.__dict__[self._key] = seen
        with self._lock:
            self._engines.add(engine)
            self._unused.add(engine)
        return seen

    def note_use(self, engine: Engine) -> None:
        """An engine has a destination."""
        with self._lock:
            self._unused.discard(engine)

    def items(self) -> list[tuple[Engine, Seen]]:
        """Return the engines, the oldest first; a set of them has no order."""
        return self._by_age(self._engines)

    def unused(self) -> list[tuple[Engine, Seen]]:
        """Return those that have no destination yet, the oldest first."""
        return self._by_age(self._unused)

    def _by_age(self, engines: WeakSet[Engine]) -> list[tuple[Engine, Seen]]:
        with self._lock:
            seen = [(engine, engine.__dict__[self._key]) for engine in engines]
        return sorted(seen, key=lambda each: each[1].number)

    def forget(self) -> None:
        """Leave no trace on any engine."""
        for engine, _ in self.items():
            del engine.__dict__[self._key]
