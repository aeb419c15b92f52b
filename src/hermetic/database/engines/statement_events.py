"""Tell of transactions and statements, as long as somebody listens: SQLAlchemy is hooked up for that only then.

It is hooked up where a connection executes and ends, in place of its events: once anybody listens to one event of an
engine, SQLAlchemy looks for listeners of all of them at each step, which took as long as all that is done here (40 us
for a session of two statements, of 75).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from hermetic.code import UNKNOWN
from hermetic.database.engines import private
from hermetic.database.engines.destinations import masked
from hermetic.database.engines.location import is_end_of_block, project_location
from hermetic.database.engines.parameters import text_of
from hermetic.events import Kind, Source, emit, listeners
from hermetic.events.database import TEXT, Statement, TransactionBegan, TransactionEnded
from hermetic.masking import Masking
from hermetic.owners import current
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

EXECUTING, ENDING = 4, 2
"""How many frames are not looked at where a statement, or the end of a transaction, is told of; there is one more."""

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
            _tell(connection, context, masking, now() - began, type(error).__name__, str(error)[:MESSAGE])
            raise
        _tell(connection, context, masking, now() - began)
        return result

    return execute


def _engine_of(connection: Connection) -> tuple[str, int]:
    """Return the URL of a connection's engine, and the number of what the driver knows it by."""
    attributes, opened = connection.engine.__dict__, private.driver_connection_of(connection)
    url = attributes.get(URL)
    if url is None:
        url = attributes[URL] = masked(connection.engine.url)
    return url, 0 if opened is None else id(opened)


def _tell(
    connection: Connection, context: Any, masking: Masking, seconds: float, error: str = "", message: str = ""
) -> None:
    text, parameters = context.statement[:TEXT], text_of(context, masking)
    if error or not text.startswith(("SELECT", "select")):
        connection.__dict__[CHANGED] = True
    rows = -1 if error else private.rows_of(context.cursor)
    url, number = _engine_of(connection)
    place = project_location(EXECUTING)
    emit(Statement(current(), place, url, number, text, parameters, rows, seconds, error, message))
