"""Tell of transactions and statements, as long as somebody listens: SQLAlchemy is hooked up for that only then."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine, ExceptionContext

from hermetic.database.engines import private
from hermetic.database.engines.destinations import masked
from hermetic.database.engines.location import project_location
from hermetic.database.engines.parameters import text_of
from hermetic.events import (
    TEXT,
    Source,
    Statement,
    TransactionBegan,
    TransactionEnded,
    emit,
    listeners,
)
from hermetic.masking import Masking
from hermetic.owners import current
from hermetic.threads import now

BEGAN = "_hermetic_began"
"""The attribute of an execution that has the moment of its begin."""

MESSAGE = 300
"""Characters of a driver's message at the most."""

URL = "_hermetic_url"
"""The attribute of an engine that has its URL, password masked: a weak dictionary takes longer to ask."""


def source(masking: Masking) -> Source:
    """Return what tells of every engine of the process.

    Args:
        masking: What is shown of parameters.
    """
    hooks = (
        ("begin", _on_begin),
        ("commit", _on_commit),
        ("rollback", _on_rollback),
        ("before_cursor_execute", _before_execute),
        ("after_cursor_execute", partial(_after_execute, masking)),
        ("handle_error", partial(_on_error, masking)),
    )

    def start() -> None:
        for name, hook in hooks:
            event.listen(Engine, name, hook)

    def stop() -> None:
        for name, hook in hooks:
            event.remove(Engine, name, hook)

    return Source((TransactionBegan, TransactionEnded, Statement), start, stop)


def _on_begin(connection: Connection) -> None:
    if TransactionBegan in listeners:
        emit(TransactionBegan(current(), project_location(), *_engine_of(connection)))


def _on_commit(connection: Connection) -> None:
    _transaction_ended(connection, "commit")


def _on_rollback(connection: Connection) -> None:
    _transaction_ended(connection, "rollback")


def _transaction_ended(connection: Connection, how: str) -> None:
    if TransactionEnded in listeners:
        emit(TransactionEnded(current(), project_location(), *_engine_of(connection), how))


def _engine_of(connection: Connection) -> tuple[str, int]:
    """Return the URL of a connection's engine, and the number of what the driver knows it by."""
    attributes, opened = connection.engine.__dict__, private.driver_connection_of(connection)
    url = attributes.get(URL)
    if url is None:
        url = attributes[URL] = masked(connection.engine.url)
    return url, 0 if opened is None else id(opened)


def _before_execute(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> None:
    setattr(context, BEGAN, now())


def _after_execute(
    masking: Masking,
    connection: Connection,
    cursor: Any,
    statement: str,
    parameters: Any,
    context: Any,
    executemany: bool,
) -> None:
    told = text_of(parameters, context, masking)
    _executed(connection, statement, told, context, private.rows_of(cursor))


def _on_error(masking: Masking, error: ExceptionContext) -> None:
    context, connection = error.execution_context, error.connection
    if context is not None and connection is not None and error.statement is not None:
        told = text_of(error.parameters, context, masking)
        _executed(connection, error.statement, told, context, -1, error.original_exception)


def _executed(
    connection: Connection,
    statement: str,
    parameters: str,
    context: Any,
    rows: int,
    error: BaseException | None = None,
) -> None:
    if Statement in listeners:
        seconds = now() - getattr(context, BEGAN, now())
        engine, opened = _engine_of(connection)
        failed = ("", "") if error is None else (type(error).__name__, str(error)[:MESSAGE])
        emit(
            Statement(
                *(current(), project_location(), engine, opened, statement[:TEXT], parameters, rows, seconds),
                *failed,
            )
        )
