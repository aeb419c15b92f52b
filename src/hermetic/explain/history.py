"""What was told while a test ran, for whoever explains why it failed."""

from __future__ import annotations

from time import perf_counter
from typing import Any, NamedTuple, TypeVar

from hermetic.events import (
    Event,
    Kind,
    LifespanStarted,
    RequestBegan,
    RequestEnded,
    SessionEnded,
    Statement,
    listen,
    unlisten,
)
from hermetic.explain.connections import Connections
from hermetic.explain.databases import DatabaseHistory
from hermetic.explain.earlier import SessionHistory
from hermetic.explain.undone import Undone
from hermetic.owners import Owner

KINDS: tuple[Kind, ...] = (LifespanStarted, RequestBegan, RequestEnded, Statement)
"""What is listened to while tests pass: each kind costs every test something."""

MOST = 500
"""How many events of a test are kept; of the others is known how many there were."""

E = TypeVar("E", bound=Event)


class Told(NamedTuple):
    """An event, and when it was told.

    Attributes:
        at: Seconds since the test began.
        event: What.
    """

    at: float
    event: Event


class History:
    """Listens from ``start`` to ``stop``, and keeps what belongs to the test at hand.

    Attributes:
        test: The test at hand; None before the first one.
        told: What was told since it began, in order, the first ``MOST`` of it.
        dropped: How many events there were beyond those.
        connections: In which loop each was opened, and who has it, since before the test, too.
        sessions: How each Session ended its last transaction, before the test, too.
        databases: Which engines there are, and who has made which tables.
        undone: What the tests of its module before it had committed, and is undone.
    """

    def __init__(self) -> None:
        self.connections = Connections()
        self.sessions = SessionHistory()
        self.databases = DatabaseHistory()
        self.undone = Undone()
        self.test: Owner | None = None
        self.told: list[Told] = []
        self.dropped = 0
        self._began = 0.0

    def start(self) -> None:
        """Listen."""
        listen(self._hear, *KINDS)
        listen(self.connections.hear, *Connections.KINDS)
        listen(self.sessions.hear, SessionEnded)
        listen(self.databases.hear, *self.databases.kinds)
        listen(self.undone.hear, *self.undone.kinds)

    def stop(self) -> None:
        """Listen no more."""
        unlisten(self._hear)
        unlisten(self.connections.hear)
        unlisten(self.sessions.hear)
        unlisten(self.undone.hear)
        unlisten(self.databases.hear)

    def begin(self, test: Owner) -> None:
        """Forget the test before, and keep what is told from now on for this one."""
        self.undone.begin(test)
        self.test, self.told, self.dropped, self._began = test, [], 0, perf_counter()

    def of(self, kind: type[E]) -> list[E]:
        """Return what was told of one kind, in order."""
        return [each.event for each in self.told if isinstance(each.event, kind)]

    def _hear(self, event: Any) -> None:
        if len(self.told) < MOST:
            self.told.append(Told(perf_counter() - self._began, event))
        else:
            self.dropped += 1
