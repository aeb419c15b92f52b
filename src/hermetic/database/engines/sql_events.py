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

from hermetic.code import UNKNOWN, Location, made
from hermetic.database.engines import private
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
from hermetic.masking import Masking, masked
from hermetic.owners import Owner, current
from hermetic.patch import Patch
from hermetic.statements import READING
from hermetic.threads import now

MESSAGE = 300
"""Characters of a driver's message at the most."""

# Attributes: a weak dictionary takes longer to ask, and who asks an object for its ``__dict__`` has Python 3.11 look up
# each attribute of it by name from then on.

URL = "_hermetic_url"
"""The attribute of an engine that has its URL, password masked."""

ENDED_AT = "_hermetic_ended_at"
"""The attribute of a connection that has the line at which its last transaction ended, as it was told."""

TRANSACTION = "_hermetic_transaction"
"""The attribute of a connection that has what was told of it with its last statement, and whether the transaction may
have changed something, or has failed; None before its first one."""

MADE = "_hermetic_made"
"""The attribute of a Session that has the line which made it; unknown where nobody listened then."""

EXECUTING, ENDING = 4, 4
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
        tell = listeners.get(TransactionBegan) if patch.is_on else None
        if tell is not None:
            tell(TransactionBegan(current(), project_location(), *_engine_of(connection)))
        return result

    return begin


def _ending(patch: Patch, how: str) -> Method:
    method: Method = patch.original

    def end(connection: Connection) -> Any:
        __tracebackhide__ = True
        result = method(connection)
        tell = listeners.get(TransactionEnded) if patch.is_on else None
        if tell is not None:
            place, known = UNKNOWN, getattr(connection, TRANSACTION, None)
            url, number, has_changed = known or (*_engine_of(connection), Statement not in listeners)
            if how == "commit" or (has_changed and not is_end_of_block()):
                place = project_location(ENDING)
            setattr(connection, TRANSACTION, None)
            setattr(connection, ENDED_AT, place)
            tell(made(TransactionEnded, (current(), place, url, number, how)))
        return result

    return end


def _executing(patch: Patch, masking: Masking) -> Method:
    method: Method = patch.original

    def execute(connection: Connection, dialect: Any, context: Any, *arguments: Any) -> Any:
        __tracebackhide__ = True
        tell = listeners.get(Statement) if patch.is_on else None
        if tell is None or private.is_of_a_dialect(connection):
            return method(connection, dialect, context, *arguments)
        began = now()
        try:
            result = method(connection, dialect, context, *arguments)
        except BaseException as raised:
            error = getattr(raised, "orig", None) or raised
            seconds, message = now() - began, str(error)[:MESSAGE]
            tell(_statement(connection, context, masking, seconds, type(error).__name__, message))
            raise
        tell(_statement(connection, context, masking, now() - began))
        return result

    return execute


def _engine_of(connection: Connection) -> tuple[str, int]:
    """Return the URL of a connection's engine, and the number of what the driver knows it by."""
    engine = connection.engine
    url = getattr(engine, URL, None)
    if url is None:
        url = masked(engine.url)
        setattr(engine, URL, url)
    return url, private.number_of(connection)


def _statement(
    connection: Connection, context: Any, masking: Masking, seconds: float, error: str = "", message: str = ""
) -> Statement:
    text, parameters = context.statement[:TEXT], text_of(context, masking)
    before, (url, number) = getattr(connection, TRANSACTION, None), _engine_of(connection)
    has_changed = bool(error) or not text.startswith(READING) or (before is not None and before[2])
    setattr(connection, TRANSACTION, (url, number, has_changed))
    rows = -1 if error else private.rows_of(context.cursor)
    place = project_location(EXECUTING)
    told = current(), place, url, number, text, parameters, rows, seconds, error, message
    return made(Statement, told)


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
            object.__setattr__(session, MADE, project_location(MAKING))

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
        told = owner, _made_at(session), place, session.hash_key, how, is_expiring, objects
        emit(made(SessionEnded, told))


def _made_at(session: Session) -> Location:
    try:  # no method of a subclass is asked for it, nor set it
        place: Location = object.__getattribute__(session, MADE)
    except AttributeError:
        return UNKNOWN
    return place


def _committed_at(session: Session) -> Location | None:
    """Return where its connections were told to be committed a moment ago, if somebody listens to that, too."""
    for connection in private.committed_by(session):
        place: Location | None = getattr(connection, ENDED_AT, None)
        if place is not None:
            setattr(connection, ENDED_AT, None)
            return place
    return None
