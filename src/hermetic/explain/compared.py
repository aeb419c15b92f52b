"""Two sides of an assertion that say the same in another way: in another order, as text, or as another object."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any
from uuid import UUID

from hermetic.causes.data import OBJECTS_COMPARED, ROWS_WITHOUT_ORDER, TEXT_OF_A_VALUE
from hermetic.code import Location
from hermetic.events.application import RequestEnded
from hermetic.events.database import Statement
from hermetic.explain.failure import Explanation, Failure, with_article
from hermetic.explain.frames import attribute, project_lines
from hermetic.explain.history import History
from hermetic.statements import beginning_of

_SIDES = re.compile(r"assert (.+?) (?:==|in) (.+)$")
_DIFFERENT = re.compile(r"^\s*(?:At index \d+ diff: )?(.+) != (.+)$", re.MULTILINE)
"""How pytest shows what differs in two lists or dictionaries, also where it shows them shortened themselves."""

_OBJECT = re.compile(r"<([\w.]+) object at (0x[0-9a-f]+)>")
_ORDER = re.compile(r"\bORDER\s+BY\b", re.IGNORECASE)
_ONE = re.compile(r"\bLIMIT\b|\bcount\(|\bPRAGMA\b|\bWHERE\s+[\w.\"]+\.\"?id\"? = ", re.IGNORECASE)
_TABLE = re.compile(r"\bFROM\s+([\w.\"]+)", re.IGNORECASE)

_JSON = {"UUID": UUID, "datetime": datetime, "date": date, "time": time, "Decimal": Decimal}
"""What JSON has only as text, by the names that ``repr`` gives it."""


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say why an assertion failed whose sides look the same."""
    text = str(failure.error)
    sides = _SIDES.match(text.partition("\n")[0])
    line = next(project_lines(failure.error), None)
    if not isinstance(failure.error, AssertionError) or sides is None or line is None:
        return
    frame, at = line
    rows = _reordered(_read(sides[1]), _read(sides[2]))
    if rows:
        yield from _without_order(failure, history, at, rows)
    elif any(each.owner.is_within(failure.owner) for each in history.of(RequestEnded)):
        compared = [(sides[1], sides[2]), *_DIFFERENT.findall(text)]
        told = (each for one, other in compared for each in _of_text(at, _read(one), _read(other)))
        yield from islice(told, 1)
    yield from _of_objects(frame.f_locals.values(), at, sides[1], sides[2])


def _reordered(one: ast.expr | None, other: ast.expr | None) -> int:
    """Return how many items two lists have, if they are the same ones in another order; else 0."""
    if not isinstance(one, ast.List) or not isinstance(other, ast.List):
        return 0
    items, others = ([*map(ast.unparse, each.elts)] for each in (one, other))
    return len(items) if items != others and sorted(items) == sorted(others) else 0


def _without_order(failure: Failure, history: History, at: Location, rows: int) -> Iterator[Explanation]:
    """Name the last query that can have given these rows, if it asks for no order."""
    read = [
        each
        for each in history.of(Statement)
        if each.owner.is_within(failure.owner)
        and beginning_of(each.text) == "SELECT"
        and each.rows in (-1, rows)
        and not _ONE.search(each.text)
    ]
    if read and not _ORDER.search(read[-1].text) and (table := _TABLE.search(read[-1].text)) is not None:
        yield Explanation(
            ROWS_WITHOUT_ORDER,
            (
                f"{at} compares the same values in another order, and the query of {read[-1].owner.name} that gave them"
                f" ({read[-1].location}) has no ORDER BY: rows of {table[1]} come in any order, after an UPDATE in"
                " another one.",
            ),
            (
                f"{read[-1].location}: .order_by(...), where the order matters",
                f"{at}: sorted(...) on both sides, where it does not",
            ),
        )


def _of_text(at: Location, one: ast.expr | None, other: ast.expr | None) -> Iterator[Explanation]:
    """Name the value that stands as text on the other side."""
    for text, value in [] if one is None or other is None else _pairs(one, other):
        made = _made(value)
        if made is not None and _is_text_of(text, made):
            kind = type(made).__name__
            yield Explanation(
                TEXT_OF_A_VALUE,
                (
                    f"{at} compares the text {text!r}, which is how JSON has it, with {with_article(kind)} of that"
                    " value: the two are not equal.",
                ),
                (f"{at}: {_change(made)}",),
            )
            return


def _pairs(one: ast.expr, other: ast.expr) -> Iterator[tuple[str, ast.Call]]:
    """Give each text that stands where the other side calls something."""
    for here, there in ((one, other), (other, one)):
        if isinstance(here, ast.Constant) and isinstance(here.value, str) and isinstance(there, ast.Call):
            yield here.value, there
    if isinstance(one, ast.Dict) and isinstance(other, ast.Dict):
        others = {ast.unparse(key): value for key, value in zip(other.keys, other.values, strict=True) if key}
        for key, value in zip(one.keys, one.values, strict=True):
            if key is not None and ast.unparse(key) in others:
                yield from _pairs(value, others[ast.unparse(key)])
    elif isinstance(one, ast.List) and isinstance(other, ast.List):
        for item, beside in zip(one.elts, other.elts, strict=False):
            yield from _pairs(item, beside)


def _made(call: ast.Call) -> Any:
    """Return the value that a call in a ``repr`` makes, of a kind that JSON has as text; else None."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    arguments = [each.value for each in call.args if isinstance(each, ast.Constant)]
    if name not in _JSON or len(arguments) != len(call.args):
        return None
    try:
        return _JSON[name](*arguments)
    except (TypeError, ValueError, InvalidOperation):
        return None


def _is_text_of(text: str, value: Any) -> bool:
    kind = type(value)
    try:
        read = kind.fromisoformat(text) if hasattr(kind, "fromisoformat") else kind(text)
    except (ValueError, InvalidOperation):
        return False
    if isinstance(read, datetime):
        read = read.replace(tzinfo=None)
    return bool(read == value)


def _change(value: Any) -> str:
    kind = type(value)
    if hasattr(kind, "fromisoformat"):
        return f"{kind.__name__}.fromisoformat(...) around the text, or .isoformat() of the value"
    return f"{kind.__name__}(...) around the text, or str(...) of the value"


def _of_objects(values: Iterable[object], at: Location, left: str, right: str) -> Iterator[Explanation]:
    """Name the class, where objects of it are compared that are equal only to themselves."""
    shown = [(name, address) for name, address in _OBJECT.findall(left) if f"<{name} object at " in right]
    named = [_class(name) for name, address in shown if address not in right]
    same = [type(each) for each in values if left == right == repr(each)]
    for kind in (*named, *same):
        if attribute(kind, "__mapper__") is not None and attribute(kind, "__eq__") is object.__eq__:
            yield Explanation(
                OBJECTS_COMPARED,
                (
                    f"{at} compares two objects of {kind.__name__}: each session makes one of its own of a row, and"
                    " such an object is equal to itself alone.",
                ),
                (
                    f"{at}: compare what tells rows apart, {kind.__name__}.{_key(kind)}, or the columns that matter",
                ),
            )
            return


def _class(name: str) -> Any:
    module, _, kind = name.rpartition(".")
    return attribute(sys.modules.get(module), kind)


def _key(kind: Any) -> str:
    return str(kind.__mapper__.primary_key[0].key)


def _read(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return None
