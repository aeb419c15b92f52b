"""Tell of the ends of a Session, as long as somebody listens: its commits, its rollbacks and its close.

Whoever reads an attribute that is not loaded wants to know which of them took it away. An object does not know the
Session that was closed above it, so a close tells what it held.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from hermetic.code import UNKNOWN, Location
from hermetic.database.engines import private
from hermetic.database.engines.location import is_end_of_block, project_location
from hermetic.database.engines.statement_events import ENDED_AT
from hermetic.events import Source, emit, listeners
from hermetic.events.database import OBJECTS, SessionEnded
from hermetic.owners import Owner, current
from hermetic.patch import Patch

MADE = "_hermetic_made"
"""The attribute of a Session that has the line which made it: a weak dictionary takes longer to ask."""

MAKING = 2
"""How many frames are not looked at where a Session is made."""


class SessionEnds:
    """Listens to every Session of the process, from ``open`` to ``close``.

    Args:
        owner_of: Returns whose a Session is.
    """

    def __init__(self, owner_of: Callable[[Session], Owner | None]) -> None:
        self._owner_of = owner_of
        self._patch: Patch | None = None
        self._source = Source((SessionEnded,), self._start, self._stop)
        self.open, self.close = self._source.open, self._source.close

    def note(self, session: Session) -> None:
        """Note where a Session is made, if somebody listens."""
        if SessionEnded in listeners:
            session.__dict__[MADE] = project_location(MAKING)

    def _start(self) -> None:
        self._patch = Patch(Session, "close", self._telling)
        event.listen(Session, "after_commit", self._on_commit)
        event.listen(Session, "after_soft_rollback", self._on_rollback)

    def _telling(self, patch: Patch) -> Callable[[Session], None]:
        tell, original = self._tell, patch.original

        def close(session: Session) -> None:
            held = session.__dict__.get("identity_map")  # none where its constructor failed
            if held and patch.is_on:
                objects = tuple(islice(map(id, held.all_states()), OBJECTS))
                place = UNKNOWN if is_end_of_block() else project_location()
                tell(session, "close", place, objects=objects)
            original(session)

        return close

    def _stop(self) -> None:
        if self._patch is not None:
            self._patch.undo()
            self._patch = None
        event.remove(Session, "after_commit", self._on_commit)
        event.remove(Session, "after_soft_rollback", self._on_rollback)

    def _on_commit(self, session: Session) -> None:
        if not session.in_nested_transaction():  # the end of a savepoint expires nothing
            place = _committed_at(session) or project_location()
            self._tell(session, "commit", place, is_expiring=session.expire_on_commit)

    def _on_rollback(self, session: Session, previous: SessionTransaction) -> None:
        self._tell(session, "rollback", project_location(), is_expiring=True)

    def _tell(
        self,
        session: Session,
        how: str,
        place: Location,
        *,
        is_expiring: bool = False,
        objects: tuple[int, ...] = (),
    ) -> None:
        owner = self._owner_of(session) or current()
        made_at = session.__dict__.get(MADE, UNKNOWN)
        emit(SessionEnded(owner, made_at, place, session.hash_key, how, is_expiring, objects))


def _committed_at(session: Session) -> Location | None:
    """Return where its connections were told to be committed a moment ago, if somebody listens to that, too."""
    for connection in private.committed_by(session):
        place: Location | None = connection.__dict__.pop(ENDED_AT, None)
        if place is not None:
            return place
    return None
