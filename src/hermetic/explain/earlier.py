"""What was told before the test at hand and still matters to it."""

from __future__ import annotations

from collections import OrderedDict, deque

from hermetic.events import SessionEnded

SESSIONS = 1_000
"""Of how many Sessions the last end is kept, and of how many closed ones what they held."""


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
