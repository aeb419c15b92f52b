"""What was told while a test ran, for whoever explains why it failed, or says what it did.

It listens while tests pass, so it does as little as it can: what is heard is put into a list as it is. Of a test that
does a great deal the beginning and the end are kept, and is known how much there was between them.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, TypeVar

from hermetic.code import UNKNOWN
from hermetic.events import Event, Kind, listen, unlisten
from hermetic.events.application import (
    OverrideUnused,
    RequestBegan,
    RequestEnded,
    StartUpBegan,
    TaskFound,
    WebsocketEnded,
)
from hermetic.events.database import (
    ChangedInPlace,
    CheckedOut,
    PoolExhausted,
    ReferenceBroken,
    SessionEnded,
    Statement,
    TransactionEnded,
)
from hermetic.events.lifecycle import CallRaised, FillingBegan, FillingEnded
from hermetic.explain.connections import Connections
from hermetic.explain.databases import DatabaseHistory
from hermetic.explain.patches import Patches
from hermetic.explain.writes import Undone
from hermetic.owners import Owner
from hermetic.statements import READING, WORDS, beginning_of

KINDS: tuple[Kind, ...] = (
    *(RequestBegan, RequestEnded, WebsocketEnded),
    *(Statement, TransactionEnded, PoolExhausted, ChangedInPlace),
    *(TaskFound, CallRaised, OverrideUnused, StartUpBegan, ReferenceBroken),
)
"""What is listened to while tests pass: each kind costs every test something (``python -m benchmarks.failures``)."""

FIRST, LAST = 100, 400
"""How many events of a test are kept, of its beginning and of its end."""

MOST = FIRST + LAST

SESSIONS = 1_000
"""Of how many Sessions the last end is kept, and of how many closed ones what they held."""

E = TypeVar("E", bound=Event)


class History:
    """Listens from ``start`` to ``stop``, and keeps what belongs to the test at hand.

    Args:
        taken: Returns who took a connection last, by its number, be it given back or not.

    Attributes:
        test: The test at hand; None before the first one.
        dropped: How many events were told of it that are not kept.
        connections: In which loop each was opened, and who has it, since before the test, too.
        sessions: How each Session ended its last transaction, before the test, too.
        databases: Which engines there are, and who has made which tables.
        undone: What the tests of its module before it had committed, and is undone.
        patches: What the test has patched.
    """

    def __init__(self, taken: Callable[[int], CheckedOut | None] = lambda number: None) -> None:
        self.connections = Connections(taken)
        self.sessions = SessionHistory()
        self.databases = DatabaseHistory()
        self.undone = Undone()
        self.patches = Patches()
        self.test: Owner | None = None
        self._told: list[Event] = []
        self.dropped = 0
        self._fillings = 0
        self._listening: tuple[tuple[Callable[[Any], None], tuple[Kind, ...]], ...] = (
            (self._hear, tuple({*KINDS} - {Statement, TransactionEnded})),
            (self._hear_statement, (Statement,)),
            (self._hear_end, (TransactionEnded,)),
            (self.connections.hear, Connections.KINDS),
            (self._on_filling, (FillingBegan, FillingEnded)),
            (self.sessions.hear, (SessionEnded,)),
            (self.databases.hear, DatabaseHistory.KINDS),
            (self.undone.hear, Undone.KINDS),
        )

    def start(self) -> None:
        """Listen."""
        for hear, kinds in self._listening:
            listen(hear, *kinds)
        self.patches.start()

    def stop(self) -> None:
        """Listen no more."""
        for hear, _ in self._listening:
            unlisten(hear)
        self.patches.stop()

    def begin(self, test: Owner) -> None:
        """Forget the test before, and keep what is told from now on for this one."""
        self.undone.begin(test)
        self.sessions.test = test.name
        self.patches.begin()
        self.test = test
        self.end()

    def end(self) -> None:
        """Forget what was told of a test that passed."""
        self._told.clear()
        self.dropped = 0

    @property
    def told(self) -> list[Event]:
        """What was told since the test began, in order: the first and the last of it."""
        return self._told.copy()

    def of(self, kind: type[E]) -> list[E]:
        """Return what was told of one kind, in order."""
        return [event for event in self.told if isinstance(event, kind)]

    def _on_filling(self, event: FillingBegan | FillingEnded) -> None:
        self._fillings += 1 if isinstance(event, FillingBegan) else -1

    def _hear(self, event: Event) -> None:
        if self._fillings:  # whoever came first has a hundred tables made on the way
            return
        told = self._told
        told.append(event)
        if len(told) > MOST:
            del told[FIRST]
            self.dropped += 1

    def _hear_statement(self, event: Statement) -> None:
        self._hear(event)
        if not (event.text.startswith(READING) or event.error or self._fillings):
            self._look_at(event)

    def _hear_end(self, event: TransactionEnded) -> None:
        self._hear(event)
        if self.undone.open:
            self.undone.note_end(event)

    def _look_at(self, statement: Statement) -> None:
        """Have kept what matters longer than a test, by the first word."""
        word = beginning_of(statement.text)
        if word == "CREATE":
            self.databases.note_making(statement)
        elif word in WORDS:
            self.undone.note_writing(statement)


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


def whose(ended: SessionEnded) -> str:
    """Say whose a Session is, and where it was made, if a line of the user's has."""
    made = f", made at {ended.made_at}" if ended.made_at != UNKNOWN else ""
    return f"{ended.owner.name}{made}"
