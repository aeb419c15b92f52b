"""Tell of transactions and statements, as long as somebody listens: SQLAlchemy is hooked up for that only then.

It is hooked up where a connection executes and ends, in place of its events: once anybody listens to one event of an
engine, SQLAlchemy looks for listeners of all of them at each step, which took as long as all that is done here (40 us
for a session of two statements, of 75).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, ColumnElement

from hermetic.code import UNKNOWN
from hermetic.database.engines import private
from hermetic.database.engines.destinations import masked
from hermetic.database.engines.location import is_end_of_block, project_location
from hermetic.events import Kind, Source, emit, listeners
from hermetic.events.database import TEXT, Statement, TransactionBegan, TransactionEnded
from hermetic.masking import MASK, Masking
from hermetic.owners import current
from hermetic.threads import now

MESSAGE = 300
"""Characters of a driver's message at the most."""

URL = "_hermetic_url"
"""The attribute of an engine that has its URL, password masked: a weak dictionary takes longer to ask."""


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
                private.COMMIT: lambda method: _ending(method, "commit"),
                private.ROLLBACK: lambda method: _ending(method, "rollback"),
            },
        ),
        _source(Statement, {name: lambda method: _executing(method, masking) for name in private.EXECUTE}),
    )


def _source(kind: Kind, around: Mapping[str, Callable[[Method], Method]]) -> Source:
    before: dict[str, Method] = {}

    def start() -> None:
        for name, wrap in around.items():
            before[name] = getattr(Connection, name)
            setattr(Connection, name, wrap(before[name]))

    def stop() -> None:
        for name, method in before.items():
            setattr(Connection, name, method)

    return Source((kind,), start, stop)


def _beginning(method: Method) -> Method:
    @functools.wraps(method)
    def begin(connection: Connection, *arguments: Any) -> Any:
        __tracebackhide__ = True
        result = method(connection, *arguments)
        if TransactionBegan in listeners:
            emit(TransactionBegan(current(), project_location(), *_engine_of(connection)))
        return result

    return begin


def _ending(method: Method, how: str) -> Method:
    @functools.wraps(method)
    def end(connection: Connection) -> Any:
        __tracebackhide__ = True
        result = method(connection)
        if TransactionEnded in listeners:
            place = UNKNOWN if how == "rollback" and is_end_of_block() else project_location()
            emit(TransactionEnded(current(), place, *_engine_of(connection), how))
        return result

    return end


def _executing(method: Method, masking: Masking) -> Method:
    @functools.wraps(method)
    def execute(connection: Connection, dialect: Any, context: Any, *arguments: Any) -> Any:
        __tracebackhide__ = True
        if Statement not in listeners or private.is_of_a_dialect(connection):
            return method(connection, dialect, context, *arguments)
        began, error = now(), None
        try:
            return method(connection, dialect, context, *arguments)
        except BaseException as raised:
            error = getattr(raised, "orig", None) or raised
            raise
        finally:
            _executed(connection, context, text_of(context, masking), now() - began, error)

    return execute


def _engine_of(connection: Connection) -> tuple[str, int]:
    """Return the URL of a connection's engine, and the number of what the driver knows it by."""
    attributes, opened = connection.engine.__dict__, private.driver_connection_of(connection)
    url = attributes.get(URL)
    if url is None:
        url = attributes[URL] = masked(connection.engine.url)
    return url, 0 if opened is None else id(opened)


def _executed(
    connection: Connection, context: Any, parameters: str, seconds: float, error: BaseException | None
) -> None:
    text, rows = context.statement[:TEXT], -1 if error is not None else private.rows_of(context.cursor)
    failed = ("", "") if error is None else (type(error).__name__, str(error)[:MESSAGE])
    owner, place = current(), project_location()
    emit(Statement(owner, place, *_engine_of(connection), text, parameters, rows, seconds, *failed))


PARAMETERS = 200
"""Characters of what is told of a statement's parameters at the most."""

PLAIN = frozenset((bool, int, float, str, Decimal, UUID, date, datetime, time, timedelta, type(None)))
"""What is shown by its value; everything else by its type."""

PLAN = "_hermetic_plan"
"""The attribute of a compiled statement that says how its parameters are shown."""

NAMES = 200
"""For how many parameters of a statement is remembered how they are shown."""

_ROW = re.compile(r"(?:_m\d+|__\d+|_\d+)$")
"""What SQLAlchemy adds to the name of a parameter that stands for several."""


def text_of(context: Any, masking: Masking) -> str:
    """Return what is told of the parameters of an execution; of many rows the first.

    Args:
        context: SQLAlchemy's context of the execution.
        masking: What is shown.
    """
    compiled = context.compiled
    if compiled is None or not context.compiled_parameters:
        return driver_text_of(context.parameters, masking)
    rows = context.compiled_parameters
    if not rows[0]:
        return _others(rows).strip()
    plan = _plan_of(compiled, masking)
    known, how = plan.known, plan.how
    shown = _joined(_shown(known.get(name) or how(name), value) for name, value in rows[0].items())
    return shown + _others(rows) if len(rows) > 1 else shown


def driver_text_of(parameters: Any, masking: Masking) -> str:
    """Return the same where SQLAlchemy compiled nothing: names are all that is known.

    Args:
        parameters: What the driver gets: one row, or several.
        masking: What is shown.
    """
    if not parameters:
        return ""
    if isinstance(parameters, list | tuple) and isinstance(parameters[0], Mapping | tuple | list):
        return driver_text_of(parameters[0], masking) + _others(parameters)
    if isinstance(parameters, Mapping):
        return _joined(_shown(_how(str(name), (), masking), value) for name, value in parameters.items())
    if masking.parameters == "all":
        return _joined(map(_value, parameters))
    return _joined(type(value).__name__ for value in parameters)


class How(NamedTuple):
    """How a parameter is shown.

    Attributes:
        before: What stands before it: the column, or its own name.
        shows: ``"value"``, ``"type"`` or ``"nothing"``.
    """

    before: str
    shows: str


@dataclass(frozen=True)
class Plan:
    """How the parameters of a compiled statement are shown: made when it is first executed."""

    masking: Masking
    columns: Mapping[str, tuple[str, ...]]
    known: dict[str, How] = field(default_factory=dict)

    def how(self, name: str) -> How:
        """Return how the parameter of a name is shown."""
        columns = self.columns.get(name) or self.columns.get(_ROW.sub("", name), ())
        found = _how(name, columns, self.masking)
        if len(self.known) < NAMES:
            self.known[name] = found
        return found


def _plan_of(compiled: Any, masking: Masking) -> Plan:
    plan: Plan | None = getattr(compiled, PLAN, None)
    if plan is None or plan.masking is not masking:
        plan = Plan(masking, _columns(compiled))
        setattr(compiled, PLAN, plan)
    return plan


def _how(name: str, columns: tuple[str, ...], masking: Masking) -> How:
    label = columns[0] if columns else name
    if any(map(masking.hides, columns or (name,))):
        return How(f"{label}={MASK}", "nothing")
    shows_value = masking.parameters == "all" or (columns and masking.parameters == "columns")
    return How(f"{label}=", "value") if shows_value else How(f"{label}: ", "type")


def _shown(how: How, value: Any) -> str:
    before, shows = how
    if shows == "value":
        return before + _value(value)
    return before if shows == "nothing" else before + type(value).__name__


def _value(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return repr(value[:PARAMETERS])
    return str(value) if kind in PLAIN else kind.__name__


def _joined(texts: Iterable[str]) -> str:
    """Return them with commas between, as far as there is room: there may be thousands."""
    joined = ""
    for text in texts:
        joined = f"{joined}, {text}" if joined else text
        if len(joined) > PARAMETERS:
            return f"{joined[: PARAMETERS - 3]}..."
    return joined


def _others(rows: Sequence[Any]) -> str:
    return f" and {len(rows) - 1} more" if len(rows) > 1 else ""


def _columns(compiled: Any) -> dict[str, tuple[str, ...]]:
    """Return the names of the columns that the parameters of a statement are for, or are compared with."""
    known = dict(_written(compiled))
    for element in visitors.iterate(compiled.statement):
        if isinstance(element, BinaryExpression):
            known |= dict(_compared(element, compiled))
    return known


def _written(compiled: Any) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Give the columns of an INSERT, or of an UPDATE's SET: their keys are the parameters' names."""
    if getattr(compiled, "isinsert", False) or getattr(compiled, "isupdate", False):
        for column in compiled.statement.table.columns:
            yield column.key, (column.name,)
            yield column.name, (column.name,)


def _compared(expression: BinaryExpression[Any], compiled: Any) -> Iterable[tuple[str, tuple[str, ...]]]:
    for one, other in ((expression.left, expression.right), (expression.right, expression.left)):
        names = tuple(dict.fromkeys(_column_names(other)))
        if names:
            for bind in visitors.iterate(one):
                if isinstance(bind, BindParameter) and bind in compiled.bind_names:
                    yield compiled.bind_names[bind], names


def _column_names(element: ColumnElement[Any]) -> Iterable[str]:
    for each in visitors.iterate(element):
        if each.__visit_name__ in ("column", "label"):
            yield str(getattr(each, "name", None) or "")
