"""The parameters of a statement as a text, made while tests pass: short, bounded, and nothing secret in it.

A value is shown where its column is known and is not secret, for only that tells what it is; else its type is. Which
columns the parameters of a statement are for is read from what SQLAlchemy has compiled, once for each: it keeps that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, ColumnElement

from hermetic.masking import MASK, Masking

PARAMETERS = 200
"""Characters of what is told of a statement's parameters at the most."""

MOST = PARAMETERS // 3 + 2
"""So many of them leave no room, however short each is: there may be thousands."""

PLAIN = frozenset((bool, int, float, str, Decimal, UUID, date, datetime, time, timedelta, type(None)))
"""What is shown by its value; everything else by its type."""

PLAN = "_hermetic_plan"
"""The attribute of a compiled statement that says how its parameters are shown."""

NAMES = 200
"""For how many parameters of a statement is remembered how they are shown."""

OF_THEIR_TABLE = frozenset(
    ("value", "val", "data", "content", "text", "payload", "raw", "plain", "hash", "key")
)
"""Columns that say nothing of what they hold: their table does, as in ``secrets.value``."""

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
    shown = _row(compiled, rows[0], masking) if rows[0] else ""
    return (shown + _others(rows)).strip() if len(rows) > 1 else shown


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
        items = islice(parameters.items(), MOST)
        return _joined([_shown(_how(str(name), (), masking), value) for name, value in items])
    values = islice(parameters, MOST)
    if masking.parameters == "all":
        return _joined(map(_value, values))
    return _joined(type(value).__name__ for value in values)


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


def _row(compiled: Any, row: Mapping[str, Any], masking: Masking) -> str:
    plan: Plan | None = getattr(compiled, PLAN, None)
    if plan is None or plan.masking is not masking:
        plan = Plan(masking, _columns(compiled))
        setattr(compiled, PLAN, plan)
    known, how = plan.known, plan.how
    return _joined([_shown(known.get(name) or how(name), value) for name, value in islice(row.items(), MOST)])


def _how(name: str, columns: tuple[str, ...], masking: Masking) -> How:
    label = columns[0] if columns else name
    if any(map(masking.hides, columns or (name,))):
        return How(f"{label}={MASK}", "nothing")
    shows_value = masking.parameters == "all" or (columns and masking.parameters == "columns")
    return How(f"{label}=", "value") if shows_value else How(f"{label}: ", "type")


def _shown(how: How, value: Any) -> str:
    before, shows = how
    if shows == "value":
        return f"{before}{value[:PARAMETERS]!r}" if type(value) is str else before + _value(value)
    return before if shows == "nothing" else before + type(value).__name__


def _value(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return repr(value[:PARAMETERS])
    return str(value) if kind in PLAIN else kind.__name__


def _joined(texts: Iterable[str]) -> str:
    """Return them with commas between, as far as there is room."""
    joined = ", ".join(texts)
    return joined if len(joined) <= PARAMETERS else f"{joined[: PARAMETERS - 3]}..."


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
            yield column.key, (_name(column),)
            yield column.name, (_name(column),)


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
            yield _name(each)


def _name(column: Any) -> str:
    """Return the name of a column, behind its table's where it says nothing by itself."""
    name = str(getattr(column, "name", None) or "")
    if name not in OF_THEIR_TABLE:
        return name
    table = getattr(column, "table", None)
    table = getattr(table, "element", table)  # that of an alias
    owner = getattr(table, "name", None)
    return f"{owner}.{name}" if owner else name
