"""What was told while a test ran, for whoever explains why it failed, or says what it did.

It listens while tests pass, so it does as little as it can: what is heard is put into a list as it is. Of a test that
does a great deal the beginning and the end are kept, and is known how much there was between them.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Any, NamedTuple, TypeVar

from hermetic.events import (
    CallRaised,
    Event,
    FillingBegan,
    FillingEnded,
    Kind,
    LifespanStarted,
    RequestBegan,
    RequestEnded,
    SessionEnded,
    Statement,
    TaskFound,
    TransactionEnded,
    WebsocketEnded,
    listen,
    unlisten,
)
from hermetic.explain.connections import Connections
from hermetic.explain.databases import DatabaseHistory
from hermetic.explain.undone import Undone
from hermetic.owners import Owner
from hermetic.threads import now

KINDS: tuple[Kind, ...] = (
    *(RequestBegan, RequestEnded, WebsocketEnded, LifespanStarted),
    *(Statement, TransactionEnded),
    *(TaskFound, CallRaised),
)
"""What is listened to while tests pass: each kind costs every test something (``python -m benchmarks.failures``)."""

FIRST, LAST = 100, 400
"""How many events of a test are kept, of its beginning and of its end."""

SESSIONS = 1_000
"""Of how many Sessions the last end is kept, and of how many closed ones what they held."""

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
        self._first: list[tuple[float, Event]] = []
        self._last: deque[tuple[float, Event]] = deque(maxlen=LAST)
        self._later = 0
        self._began = 0.0
        self._fillings = 0

    def start(self) -> None:
        """Listen."""
        listen(self._hear, *KINDS)
        listen(self.connections.hear, *Connections.KINDS)
        listen(self._on_filling, FillingBegan, FillingEnded)
        listen(self.sessions.hear, SessionEnded)
        listen(self.databases.hear, *self.databases.kinds)
        listen(self.undone.hear, *self.undone.kinds)

    def stop(self) -> None:
        """Listen no more."""
        unlisten(self._hear)
        unlisten(self.connections.hear)
        unlisten(self._on_filling)
        unlisten(self.sessions.hear)
        unlisten(self.undone.hear)
        unlisten(self.databases.hear)

    def begin(self, test: Owner) -> None:
        """Forget the test before, and keep what is told from now on for this one."""
        self.undone.begin(test)
        self.sessions.test = test.name
        self.test, self._later, self._began = test, 0, now()
        self._first.clear()
        self._last.clear()

    def end(self) -> None:
        """Forget what was told of a test that passed."""
        self._first.clear()
        self._last.clear()
        self._later = 0

    @property
    def told(self) -> list[Told]:
        """What was told since the test began, in order: the first and the last of it."""
        return [Told(at - self._began, event) for at, event in [*self._first, *self._last]]

    @property
    def dropped(self) -> int:
        """How many events there were between those."""
        return max(0, self._later - LAST)

    def of(self, kind: type[E]) -> list[E]:
        """Return what was told of one kind, in order."""
        return [event for _, event in [*self._first, *self._last] if isinstance(event, kind)]

    def _on_filling(self, event: FillingBegan | FillingEnded) -> None:
        self._fillings += 1 if isinstance(event, FillingBegan) else -1

    def _hear(self, event: Any) -> None:
        if self._fillings:  # whoever came first has a hundred tables made on the way
            return
        if len(self._first) < FIRST:
            self._first.append((now(), event))
        else:
            self._later += 1
            self._last.append((now(), event))


class SessionHistory:
    """The last end of each Session, whichever test it was in: a Session of a wider fixture outlives many.

    Attributes:
        test: The name of the test at hand.
    """

    def __init__(self) -> None:
        self.test = ""
        self._ended: OrderedDict[int, tuple[SessionEnded, str]] = OrderedDict()
        self._closed: deque[SessionEnded] = deque(maxlen=SESSIONS)

    def hear(self, event: SessionEnded) -> None:
        """Keep an end."""
        if event.how == "close":
            if event.objects:
                self._closed.append(event)
            return
        self._ended[event.session] = event, self.test
        self._ended.move_to_end(event.session)
        if len(self._ended) > SESSIONS:
            self._ended.popitem(last=False)

    def last_end(self, session: int | None) -> SessionEnded | None:
        """Return the last commit or rollback of a Session, by its number."""
        found = None if session is None else self._ended.get(session)
        return None if found is None else found[0]

    def test_of_last_end(self, session: int) -> str:
        """Return the test that ran then; empty where none did yet."""
        return self._ended[session][1] if session in self._ended else ""

    def close_of(self, state: object) -> SessionEnded | None:
        """Return the close of the Session that held an object last, by what SQLAlchemy knows of the object."""
        return next((each for each in reversed(self._closed) if id(state) in each.objects), None)
