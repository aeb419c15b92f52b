"""List what existing conftests and tests do by hand and hermetic now does.

Nothing of it must go: a suite keeps passing with its own fixtures. So each line is a remark, not an error, and only
fixtures, helpers and module-level code are looked at. What a test does in its own body is what it tests.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.cli.init.environment import environ_assignments
from hermetic.cli.init.sources import Module, Sources

REASONS = {
    "create-all": "the tables are made once, in a template, and never again",
    "savepoint-listener": "the application really commits, and the baseline comes back before the next test",
    "shared-connection": "each request has a connection of its own from the real pool, and may commit",
    "migrations": "hermetic_schema = alembic.ini runs them once, for the template",
    "truncate-loop": "only what a test wrote is undone, and ids start again",
    "session-override": "every engine of the application already ends on the test database",
    "event-loop-fixture": "pytest-asyncio 1.0 and later ignore it; loop scopes are set in the ini file",
    "own-client": "async_client runs the application in the test's loop, lifespan included",
    "lifespan-manager": "async_client runs the lifespan",
    "engine-per-test": "engines work in every event loop, each on a pool of its own there",
    "env-in-conftest": "hermetic_env is set before the application is imported, and changes are undone",
}
DATABASE = frozenset(REASONS) - {"event-loop-fixture", "own-client", "lifespan-manager", "env-in-conftest"}
SESSION_NAME = re.compile(
    r"(^|_)(db|database|session|sessionmaker|engine|conn|connection|uow)(_|$)", re.IGNORECASE
)
CONNECTION_NAME = re.compile(r"(^|_)conn(ection)?$", re.IGNORECASE)
RUNS_A_STATEMENT = frozenset({"execute", "exec", "scalars"})
CLEARING = re.compile(
    r"\s*(truncate\s.*|delete\s+from\s+([\w.\"]+\s*(where\s.*)?)?;?\s*)", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True)
class Replaced:
    """A line that hermetic makes unnecessary.

    Attributes:
        file: The file.
        line: The line.
        slug: Which kind, a key of ``REASONS``.
    """

    file: Path
    line: int
    slug: str

    @property
    def reason(self) -> str:
        """What hermetic does in its place."""
        return REASONS[self.slug]

    @property
    def is_database(self) -> bool:
        """Whether it shows that the suite handles the database itself."""
        return self.slug in DATABASE


def find_replaced(sources: Sources) -> list[Replaced]:
    """List the lines, by file and line, a line at most once for each kind."""
    found = {replaced for module in sources.tests for replaced in _in_module(module)}
    return sorted(found, key=lambda replaced: (replaced.file, replaced.line, replaced.slug))


def _in_module(module: Module) -> Iterator[Replaced]:
    for node in outside_tests(module.tree):
        for slug in _slugs(node):
            assert isinstance(node, ast.stmt | ast.expr)
            yield Replaced(module.path, node.lineno, slug)
    if module.path.name == "conftest.py":
        for _, _, line in environ_assignments(module):
            yield Replaced(module.path, line, "env-in-conftest")


def outside_tests(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a module of the suite that are in no test: fixtures, helpers, what runs at import."""
    for child in ast.iter_child_nodes(node):
        if not _is_test(child) and not _is_docstring(child):
            yield child
            yield from outside_tests(child)


def _is_test(node: ast.AST) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return node.name.startswith("test") and not _is_fixture(node)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_fixture(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("fixture" in ast.unparse(decorator) for decorator in function.decorator_list)


def _slugs(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute):
        yield from _of_attribute(node)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.FunctionDef) and node.name == "event_loop" and _is_fixture(node):
        yield "event-loop-fixture"
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if _overrides_session(target):
                yield "session-override"
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        if CLEARING.fullmatch(node.value):
            yield "truncate-loop"
        elif node.value == "after_transaction_end":
            yield "savepoint-listener"


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
    elif ast.unparse(node.func).endswith("command.upgrade"):
        yield "migrations"
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
