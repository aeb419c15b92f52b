"""Tell of the ends of a Session, as long as somebody listens: its commits, its rollbacks and its close.

Whoever reads an attribute that is not loaded wants to know which of them took it away. An object does not know the
Session that was closed above it, so a close tells what it held.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from hermetic.code import UNKNOWN, Location
from hermetic.database.engines.location import project_location
from hermetic.events import OBJECTS, SessionEnded, Source, emit, listeners
from hermetic.owners import Owner, current


class SessionEnds:
    """Listens to every Session of the process, from ``open`` to ``close``.

    Args:
        owner_of: Returns whose a Session is.
    """

    def __init__(self, owner_of: Callable[[Session], Owner | None]) -> None:
        self._owner_of = owner_of
        self._made: WeakKeyDictionary[Session, Location] = WeakKeyDictionary()
        self._close: Callable[[Session], None] = Session.close
        self._source = Source((SessionEnded,), self._start, self._stop)
        self.open, self.close = self._source.open, self._source.close

    def note(self, session: Session) -> None:
        """Note where a Session is made, if somebody listens."""
        if SessionEnded in listeners:
            self._made[session] = project_location()

    def _start(self) -> None:
        tell, original = self._tell, Session.close

        @functools.wraps(original)
        def close(session: Session) -> None:
            if "identity_map" in session.__dict__:  # else its constructor failed
                held = tuple(map(id, islice(session.identity_map.all_states(), OBJECTS)))
                if held:  # else the close took nothing away, and its place need not be looked for
                    tell(session, "close", is_expiring=False, objects=held)
            original(session)

        self._close = original
        Session.close = close  # type: ignore[assignment,method-assign]
        event.listen(Session, "after_commit", self._on_commit)
        event.listen(Session, "after_soft_rollback", self._on_rollback)

    def _stop(self) -> None:
        Session.close = self._close  # type: ignore[assignment,method-assign]
        event.remove(Session, "after_commit", self._on_commit)
        event.remove(Session, "after_soft_rollback", self._on_rollback)

    def _on_commit(self, session: Session) -> None:
        if not session.in_nested_transaction():  # the end of a savepoint expires nothing
            self._tell(session, "commit", is_expiring=session.expire_on_commit)

    def _on_rollback(self, session: Session, previous: SessionTransaction) -> None:
        self._tell(session, "rollback", is_expiring=True)

    def _tell(self, session: Session, how: str, *, is_expiring: bool, objects: tuple[int, ...] = ()) -> None:
        if SessionEnded in listeners:
            owner: Any = self._owner_of(session) or current()
            made_at = self._made.get(session, UNKNOWN)
            place = project_location()
            emit(SessionEnded(owner, made_at, place, session.hash_key, how, is_expiring, objects))
