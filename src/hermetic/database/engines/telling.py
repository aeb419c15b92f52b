"""Tell of transactions and statements, as long as somebody listens: SQLAlchemy is hooked up for that only then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine, ExceptionContext

from hermetic.database.engines import private
from hermetic.database.engines.destinations import masked
from hermetic.database.engines.location import user_location
from hermetic.events import (
    TEXT,
    Source,
    Statement,
    TransactionBegan,
    TransactionEnded,
    emit,
    listeners,
)
from hermetic.owners import current
from hermetic.threads import now

BEGAN = "_hermetic_began"
"""The attribute of an execution that has the moment of its begin."""

PARAMETERS = 200
"""Characters of what is told of a statement's parameters at the most."""

_urls: WeakKeyDictionary[Engine, str] = WeakKeyDictionary()


def source() -> Source:
    """Return what tells of every engine of the process."""
    hooks = (
        ("begin", _on_begin),
        ("commit", _on_commit),
        ("rollback", _on_rollback),
        ("before_cursor_execute", _before_execute),
        ("after_cursor_execute", _after_execute),
        ("handle_error", _on_error),
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
        emit(TransactionBegan(current(), user_location(), *_engine_of(connection)))


def _on_commit(connection: Connection) -> None:
    _transaction_ended(connection, "commit")


def _on_rollback(connection: Connection) -> None:
    _transaction_ended(connection, "rollback")


def _transaction_ended(connection: Connection, how: str) -> None:
    if TransactionEnded in listeners:
        emit(TransactionEnded(current(), user_location(), *_engine_of(connection), how))


def _engine_of(connection: Connection) -> tuple[str, int]:
    """Return the URL of a connection's engine, and the number of what the driver knows it by."""
    engine, opened = connection.engine, private.driver_connection_of(connection)
    url = _urls.get(engine)
    if url is None:
        url = _urls[engine] = masked(engine.url)
    return url, 0 if opened is None else id(opened)


def _before_execute(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> None:
    setattr(context, BEGAN, now())


def _after_execute(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> None:
    _executed(connection, statement, parameters, context, private.rows_of(cursor), "")


def _on_error(error: ExceptionContext) -> None:
    context, connection = error.execution_context, error.connection
    if context is not None and connection is not None and error.statement is not None:
        name = type(error.original_exception).__name__
        _executed(connection, error.statement, error.parameters, context, -1, name)


def _executed(
    connection: Connection, statement: str, parameters: Any, context: Any, rows: int, error: str
) -> None:
    if Statement in listeners:
        seconds = now() - getattr(context, BEGAN, now())
        told = types_of(parameters)
        place = user_location()
        text = statement[:TEXT]
        emit(Statement(current(), place, *_engine_of(connection), text, told, rows, seconds, error))


def types_of(parameters: Any) -> str:
    """Return what is told of parameters: their types, with their names where they have some; of many rows the first."""
    if isinstance(parameters, Sequence) and parameters and isinstance(parameters[0], Mapping | tuple | list):
        others = f" and {len(parameters) - 1} more" if len(parameters) > 1 else ""
        return f"{types_of(parameters[0])}{others}"[:PARAMETERS]
    if isinstance(parameters, Mapping):
        return ", ".join(f"{name}: {type(value).__name__}" for name, value in parameters.items())[:PARAMETERS]
    return ", ".join(type(value).__name__ for value in parameters or ())[:PARAMETERS]
