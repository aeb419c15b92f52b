"""Which fields a settings class demands where pytest runs: a method of it asks for that, and raises without them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from hermetic.source.mandatory_reads import gives_up
from hermetic.source.syntax import assignments, last_name, literal


def demanded_under_pytest(definition: ast.ClassDef) -> frozenset[str]:
    """Return the names of the fields without which a method of the class raises in a run of pytest."""
    branches = (
        line
        for method in definition.body
        if isinstance(method, ast.FunctionDef)
        for line in method.body
        if isinstance(line, ast.If) and ast.unparse(line.test) == "'pytest' in sys.modules"
    )
    return frozenset(field for branch in branches for field in _demanded(branch.body))


def _demanded(body: list[ast.stmt]) -> Iterator[str]:
    """Yield the fields of which statements raise where they have no value."""
    looked_up: dict[str, str] = {}
    for line in body:
        if isinstance(line, ast.Assign):
            looked_up |= {name: field for name, value in assignments(line) if (field := _field(value))}
        elif isinstance(line, ast.If) and gives_up(line.body):
            missing = _missing(line.test)
            field = None if missing is None else looked_up.get(last_name(missing)) or _field(missing)
            if field:
                yield field


def _missing(test: ast.expr) -> ast.expr | None:
    """Return what a condition says to have no value: ``not url``, ``url is None``."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    is_none = isinstance(test, ast.Compare) and ast.unparse(test).endswith(" is None")
    return test.left if isinstance(test, ast.Compare) and is_none else None


def _field(value: ast.expr) -> str | None:
    """Return the field that a validator looks up: ``info.data.get("URL")``, ``values["URL"]``, ``self.URL``."""
    if isinstance(value, ast.Attribute) and last_name(value.value) == "self":
        return value.attr
    if isinstance(value, ast.Subscript) and last_name(value.value) in ("data", "values"):
        return literal(value.slice)
    is_get = (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "get"
    )
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and is_get and value.args:
        return literal(value.args[0]) if last_name(value.func.value) in ("data", "values") else None
    return None
