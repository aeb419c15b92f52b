"""A statement's parameters as text: values where their column is known and not secret, else their types.

Which column a parameter is for, the compiled statement tells: it is asked once, when it is first executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, ColumnElement

from hermetic.masking import MASK, Masking

PARAMETERS = 200
"""Characters of what is told of a statement's parameters at the most."""

PLAIN = frozenset((bool, int, float, str, Decimal, UUID, date, datetime, time, timedelta, type(None)))
"""What is shown by its value; everything else by its type."""

COLUMNS = "_hermetic_columns"
"""The attribute of a compiled statement that has the columns of its parameters."""

_ROW = re.compile(r"(?:_m\d+|__\d+|_\d+)$")
"""What SQLAlchemy adds to the name of a parameter that stands for several."""


def text_of(parameters: Any, context: Any, masking: Masking) -> str:
    """Return what is told of the parameters of an execution; of many rows the first.

    Args:
        parameters: What the driver gets.
        context: SQLAlchemy's context of the execution.
        masking: What is shown.
    """
    if not parameters:
        return ""
    compiled, rows = getattr(context, "compiled", None), getattr(context, "compiled_parameters", None)
    if compiled is None or not rows:
        return _of_the_driver(parameters, masking)
    first: Mapping[str, Any] = rows[0]
    columns = _columns(compiled)
    shown = _joined(_shown(name, value, columns, masking) for name, value in first.items())
    return shown + _others(rows)


def _of_the_driver(parameters: Any, masking: Masking) -> str:
    """Return the same where SQLAlchemy compiled nothing: names are all that is known."""
    kind = type(parameters)
    if kind in (list, tuple) and isinstance(parameters[0], Mapping | tuple | list):
        return (_of_the_driver(parameters[0], masking) if parameters[0] else "") + _others(parameters)
    if isinstance(parameters, Mapping):
        return _joined(_shown(str(name), value, {}, masking) for name, value in parameters.items())
    if masking.parameters == "all":
        return _joined(map(_value, parameters))
    return _joined(type(value).__name__ for value in parameters)


def _shown(name: str, value: Any, columns: Mapping[str, tuple[str, ...]], masking: Masking) -> str:
    known = columns.get(name) or columns.get(_ROW.sub("", name), ())
    label = known[0] if known else name
    if any(map(masking.hides, known or (name,))):
        return f"{label}={MASK}"
    if masking.parameters == "all" or (known and masking.parameters == "columns"):
        return f"{label}={_value(value)}"
    return f"{label}: {type(value).__name__}"


def _value(value: Any) -> str:
    if type(value) not in PLAIN:
        return type(value).__name__
    return repr(value[:PARAMETERS]) if type(value) is str else str(value)


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
    known: dict[str, tuple[str, ...]] | None = getattr(compiled, COLUMNS, None)
    if known is None:
        known = dict(_written(compiled))
        for element in visitors.iterate(compiled.statement):
            if isinstance(element, BinaryExpression):
                known |= dict(_compared(element, compiled))
        setattr(compiled, COLUMNS, known)
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
