"""Tell the recipes by which suites handle a database, a client or a loop themselves, one node of a tree at a time."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from hermetic.cli.init.migrations import runs_migrations
from hermetic.cli.init.symbols import Symbols

SESSION_NAME = re.compile(
    r"(^|_)(db|database|session|sessionmaker|engine|conn|connection|uow)(_|$)", re.IGNORECASE
)
CONNECTION_NAME = re.compile(r"(^|_)conn(ection)?$", re.IGNORECASE)
RUNS_A_STATEMENT = frozenset({"execute", "exec", "scalars"})
CLEARING = re.compile(
    r"\s*(truncate\s.*|delete\s+from\s+([\w.\"]+\s*(where\s.*)?)?;?\s*)", re.IGNORECASE | re.DOTALL
)
RECIPES = frozenset(
    {
        "AsyncClient",
        "LifespanManager",
        "after_transaction_end",
        "async_engine_from_config",
        "begin_nested",
        "bind",
        "create_all",
        "create_async_engine",
        "create_savepoint",
        "dependency_overrides",
        "drop_all",
        "event_loop",
        "sorted_tables",
        "upgrade",
    }
    | {word for name in ("truncate", "delete") for word in (name, name.upper(), name.title())}
)
"""One of these words is wherever there is a recipe."""


def recipes(node: ast.AST, file: Path, symbols: Symbols) -> Iterator[str]:
    """Yield what a node does by hand, by slug: the node itself, not what is inside.

    Args:
        node: Anything of a module's tree.
        file: The module.
        symbols: The project's names.
    """
    if runs_migrations(node, file, symbols):
        yield "migrations"
    if isinstance(node, ast.Attribute):
        yield from _of_attribute(node)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.FunctionDef) and node.name == "event_loop" and is_fixture(node):
        yield "event-loop-fixture"
    elif isinstance(node, ast.Assign):
        if any(map(_overrides_session, node.targets)):
            yield "session-override"
        if isinstance(node.value, ast.Call) and _is_sqlalchemys(node.value.func, "delete", file, symbols):
            yield "truncate-loop"
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        if CLEARING.fullmatch(node.value):
            yield "truncate-loop"
        elif node.value == "after_transaction_end":
            yield "savepoint-listener"


def is_fixture(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is one of pytest's fixtures."""
    return any("fixture" in ast.unparse(decorator) for decorator in function.decorator_list)


def _of_attribute(node: ast.Attribute) -> Iterator[str]:
    if node.attr in ("create_all", "drop_all"):
        yield "create-all"
    elif node.attr == "begin_nested":
        yield "savepoint-listener"
    elif node.attr == "sorted_tables":
        yield "truncate-loop"


def _of_call(node: ast.Call) -> Iterator[str]:
    name = _last_name(node.func)
    if name == "AsyncClient" and any(_is_application(word) for word in node.keywords):
        yield "own-client"
    elif name == "LifespanManager":
        yield "lifespan-manager"
    elif name in ("create_async_engine", "async_engine_from_config"):
        yield "engine-per-test"
    elif _runs_a_delete(node):
        yield "truncate-loop"
    elif name == "update" and _is_overrides(node.func) and any(_names_session(arg) for arg in node.args):
        yield "session-override"
    for word in node.keywords:
        if word.arg == "join_transaction_mode" and ast.unparse(word.value) == "'create_savepoint'":
            yield "savepoint-listener"
        elif word.arg == "bind" and CONNECTION_NAME.search(_last_name(word.value)):
            yield "shared-connection"


def _runs_a_delete(call: ast.Call) -> bool:
    """Whether a call clears a table: ``execute(delete(User))``, or ``query(User).delete()``."""
    if _last_name(call.func) in RUNS_A_STATEMENT:
        return any(_is_delete(argument) for argument in call.args[:1])
    return _last_name(call.func) == "delete" and _last_name(_start_of_chain(call)) == "query"


def _is_sqlalchemys(function: ast.expr, name: str, file: Path, symbols: Symbols) -> bool:
    """Whether an expression is SQLAlchemy's (or SQLModel's) function of a name, and no client's method."""
    found = symbols.resolve(file, function)
    return found is not None and found.name in (f"sqlalchemy.{name}", f"sqlmodel.{name}")


def _is_delete(statement: ast.expr) -> bool:
    """Whether an argument is ``delete(User)`` or ``table.delete()``, with or without conditions."""
    if not isinstance(statement, ast.Call):
        return False
    if _last_name(statement.func) == "where" and isinstance(statement.func, ast.Attribute):
        return _is_delete(statement.func.value)
    return _last_name(statement.func) == "delete"


def _start_of_chain(call: ast.Call) -> ast.expr:
    """Return what a chain of calls begins with: ``session.query`` of ``session.query(User).filter(...).delete()``."""
    function = call.func
    while isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call):
        function = function.value.func
    return function


def _is_application(word: ast.keyword) -> bool:
    """Whether a client is given the application itself: through a transport, or as httpx before 0.28 took it."""
    return word.arg == "app" or "ASGITransport" in ast.unparse(word.value)


def _overrides_session(target: ast.expr) -> bool:
    if not isinstance(target, ast.Subscript) or _last_name(target.value) != "dependency_overrides":
        return False
    return SESSION_NAME.search(_last_name(target.slice)) is not None


def _is_overrides(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and _last_name(function.value) == "dependency_overrides"


def _names_session(argument: ast.expr) -> bool:
    keys = argument.keys if isinstance(argument, ast.Dict) else []
    return any(key is not None and SESSION_NAME.search(_last_name(key)) for key in keys)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
