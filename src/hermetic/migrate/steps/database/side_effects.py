"""Statements and expressions that do nothing: what is left of a function when its work is gone."""

from __future__ import annotations

import ast

from hermetic.source.syntax import is_constant_alone, is_none, last_name, literal

PURE_CALLS = frozenset(
    {
        "getenv",
        "get",
        "join",
        "replace",
        "format",
        "str",
        "Path",
        "make_url",
        "getcwd",
        "resolve",
        "dirname",
        "Config",
    }
    | {
        "get_running_loop",
        "get_event_loop",
        "text",
        "delete",
        "MonkeyPatch",
        "set",
        "uuid4",
        "create",
        "as_posix",
    }
    | {"abspath", "render_as_string", "URL", "rsplit", "split", "strip", "lower", "reversed", "sessionmaker"}
    | {"async_sessionmaker", "scoped_session", "get_settings", "int", "list", "sorted"}
)
"""The last names of calls whose result is all that they are for."""


def is_pure(value: ast.expr | None) -> bool:
    """Whether an expression is there for its value alone."""
    return value is not None and all(
        not isinstance(node, ast.Await | ast.Yield | ast.YieldFrom)
        and (not isinstance(node, ast.Call) or last_name(node.func) in PURE_CALLS)
        for node in ast.walk(value)
    )


def is_nothing(statement: ast.stmt) -> bool:
    """Whether a statement does nothing: ``pass``, a docstring, a ``yield`` or a ``return`` of nothing, an import."""
    if isinstance(statement, ast.Expr):
        value = statement.value
        is_bare = isinstance(value, ast.Yield) and (value.value is None or is_none(value.value))
        return is_bare or is_constant_alone(statement)
    if isinstance(statement, ast.Return):
        return statement.value is None or is_none(statement.value)
    return isinstance(statement, ast.Pass | ast.Import | ast.ImportFrom | ast.Nonlocal | ast.Global)


def awaited(value: ast.expr | None) -> ast.expr | None:
    return value.value if isinstance(value, ast.Await) else value


def text_of(node: ast.expr) -> str | None:
    """Return a text, holes and all."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return literal(node)
