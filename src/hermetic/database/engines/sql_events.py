"""Tell of transactions, statements and the ends of Sessions, while somebody listens: SQLAlchemy is hooked up only then.

For the first two that is where a connection executes and ends, in place of its events: once anybody listens to one
event of an engine, SQLAlchemy looks for listeners of all of them at each step, which took as long as all that is done
here (40 us for a session of two statements, of 75).

Of a Session are told its commits, its rollbacks and its close: whoever reads an attribute that is not loaded wants to
know which of them took it away. An object does not know the Session that was closed above it, so a close tells what it
held.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, SessionTransaction

from hermetic.code import UNKNOWN, Location
from hermetic.database.engines import private
from hermetic.database.engines.destinations import masked
from hermetic.database.engines.location import is_end_of_block, project_location
from hermetic.database.engines.parameters import text_of
from hermetic.events import Kind, Source, emit, listeners
from hermetic.events.database import (
    OBJECTS,
    TEXT,
    SessionEnded,
    Statement,
    TransactionBegan,
    TransactionEnded,
)
from hermetic.masking import Masking
from hermetic.owners import Owner, current
from hermetic.patch import Patch
from hermetic.threads import now

MESSAGE = 300
"""Characters of a driver's message at the most."""

URL = "_hermetic_url"
"""The attribute of an engine that has its URL, password masked: a weak dictionary takes longer to ask."""

ENDED_AT = "_hermetic_ended_at"
"""The attribute of a connection that has the line at which its last transaction ended, as it was told."""

CHANGED = "_hermetic_changed"
"""The attribute of a connection whose transaction may have changed something, or has failed."""

MADE = "_hermetic_made"
"""The attribute of a Session that has the line which made it: a weak dictionary takes longer to ask."""

EXECUTING, ENDING = 4, 2
"""How many frames are not looked at where a statement, or the end of a transaction, is told of; there is one more."""

MAKING = 2
"""How many frames are not looked at where a Session is made."""

Method = Callable[..., Any]


def sources(masking: Masking) -> tuple[Source, ...]:
    """Return what tells of every engine of the process: of what nobody listens to, nothing is hooked up.

    Args:
        masking: What is shown of parameters.
    """
    return (
        _source(TransactionBegan, {private.BEGIN: _beginning}),
        _source(
            TransactionEnded,
            {
                private.COMMIT: lambda patch: _ending(patch, "commit"),
                private.ROLLBACK: lambda patch: _ending(patch, "rollback"),
            },
        ),
        _source(Statement, {name: lambda patch: _executing(patch, masking) for name in private.EXECUTE}),
    )


def _source(kind: Kind, around: Mapping[str, Callable[[Patch], Method]]) -> Source:
    patches: list[Patch] = []

    def start() -> None:
        patches.extend(Patch(Connection, name, wrap) for name, wrap in around.items())

    def stop() -> None:
        while patches:
            patches.pop().undo()

    return Source((kind,), start, stop)


def _beginning(patch: Patch) -> Method:
    method: Method = patch.original

    def begin(connection: Connection, *arguments: Any) -> Any:
        __tracebackhide__ = True
        result = method(connection, *arguments)
        if patch.is_on:
            emit(TransactionBegan(current(), project_location(), *_engine_of(connection)))
        return result

    return begin


def _ending(patch: Patch, how: str) -> Method:
    method: Method = patch.original

    def end(connection: Connection) -> Any:
        __tracebackhide__ = True
        result = method(connection)
        if patch.is_on:
            has_only_read = not connection.__dict__.pop(CHANGED, Statement not in listeners)
            is_passed_over = how == "rollback" and (has_only_read or is_end_of_block())
            place = UNKNOWN if is_passed_over else project_location(ENDING)
            connection.__dict__[ENDED_AT] = place
            url, number = _engine_of(connection)
            emit(TransactionEnded(current(), place, url, number, how))
        return result

    return end


def _executing(patch: Patch, masking: Masking) -> Method:
    method: Method = patch.original

    def execute(connection: Connection, dialect: Any, context: Any, *arguments: Any) -> Any:
        __tracebackhide__ = True
        if not patch.is_on or private.is_of_a_dialect(connection):
            return method(connection, dialect, context, *arguments)
        began = now()
        try:
            result = method(connection, dialect, context, *arguments)
        except BaseException as raised:
            error = getattr(raised, "orig", None) or raised
            _tell_statement(
                connection, context, masking, now() - began, type(error).__name__, str(error)[:MESSAGE]
            )
            raise
        _tell_statement(connection, context, masking, now() - began)
        return result

    return execute


def _engine_of(connection: Connection) -> tuple[str, int]:
    """Return the URL of a connection's engine, and the number of what the driver knows it by."""
    attributes, opened = connection.engine.__dict__, private.driver_connection_of(connection)
    url = attributes.get(URL)
    if url is None:
        url = attributes[URL] = masked(connection.engine.url)
    return url, 0 if opened is None else id(opened)


def _tell_statement(
    connection: Connection, context: Any, masking: Masking, seconds: float, error: str = "", message: str = ""
) -> None:
    text, parameters = context.statement[:TEXT], text_of(context, masking)
    if error or not text.startswith(("SELECT", "select")):
        connection.__dict__[CHANGED] = True
    rows = -1 if error else private.rows_of(context.cursor)
    url, number = _engine_of(connection)
    place = project_location(EXECUTING)
    emit(Statement(current(), place, url, number, text, parameters, rows, seconds, error, message))


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
