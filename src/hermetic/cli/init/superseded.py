"""List what existing conftests and tests do by hand and hermetic now does.

Nothing of it must go: a suite keeps passing with its own fixtures. So each line is a remark, not an error, and only
fixtures, helpers and module-level code are looked at. What a test does in its own body is what it tests.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hermetic.cli.databases import DATABASES
from hermetic.cli.init.arranged import is_of_a_test
from hermetic.database.backend import find_backend
from hermetic.source.applications import makes_application
from hermetic.source.environ import ASSIGNING, environ_assignments
from hermetic.source.migrations import runs_migrations
from hermetic.source.modules import Module
from hermetic.source.suite_modules import is_fixture, outside_tests
from hermetic.source.symbols import Reference, Symbols
from hermetic.source.syntax import last_name, nodes_of

REASONS = {
    "own-server": "hermetic brings the server: nothing need be started",
    "create-database": "each worker has a database of its own, and it is there before the first connection",
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
    "env-in-conftest": "lines of hermetic_env are set before the application is imported, and changes are undone",
}
MOVES = frozenset({"env-in-conftest"})
"""What hermetic does when it is told what: these lines are moved, and the others deleted."""

OF_THE_APPLICATION = frozenset({"own-client", "lifespan-manager"})
"""What hermetic does for one application, and for none of the others that tests make."""
DATABASE = frozenset(REASONS) - MOVES - OF_THE_APPLICATION - {"event-loop-fixture"}
MAKING_TABLES = frozenset({"create-all", "migrations"})
"""What is told where it is called, too, if a function of the application does it."""

TELLING = ast.Call | ast.Attribute | ast.Name
"""The nodes that tell it."""

FOLLOWED_WORDS = frozenset({"create_all", "drop_all", "upgrade"})
"""One of these is in each module of the application that does it."""


@dataclass(frozen=True)
class Superseded:
    """A line that hermetic makes unnecessary.

    Attributes:
        file: The file.
        line: The line.
        slug: Which kind, a key of ``REASONS``.
        by: The function of the application that does it, called there; it may do more than that. Empty for a line that
            does it itself.
        node: What stands there.
    """

    file: Path
    line: int
    slug: str
    by: str = ""
    node: ast.AST | None = field(default=None, compare=False)

    @property
    def reason(self) -> str:
        """What hermetic does in its place."""
        return f"{REASONS[self.slug]}; what else {self.by}() does stays" if self.by else REASONS[self.slug]

    @property
    def moves(self) -> bool:
        """Whether hermetic must be given what stands there before it can be deleted."""
        return self.slug in MOVES

    @property
    def goes(self) -> bool:
        """Whether it can be deleted as it stands."""
        return not self.by and not self.moves

    @property
    def is_database(self) -> bool:
        """Whether it shows that the suite handles the database itself."""
        return self.slug in DATABASE


def find_superseded(symbols: Symbols, loaded: Collection[Path] | None = None) -> list[Superseded]:
    """List the lines, by file and line, a line at most once for each kind.

    Args:
        symbols: The project's names.
        loaded: The modules of the suite that a run loads; None for all.
    """
    finder = _Finder(symbols)
    suite = (module for module in symbols.sources.tests if loaded is None or module.path in loaded)
    found = {superseded for module in suite for superseded in finder.lines(module)}
    return sorted(found, key=lambda superseded: (superseded.file, superseded.line, superseded.slug))


class _Finder:
    """Finds the lines, and knows which functions of the application do what is told where they are called."""

    def __init__(self, symbols: Symbols) -> None:
        self._symbols = symbols
        self._followed: set[Reference] = set()
        self._done_by: dict[Reference, frozenset[str]] = {}
        self._read: dict[Reference, tuple[frozenset[str], frozenset[Reference]]] = {}
        followed = symbols.words_for(
            FOLLOWED_WORDS, self._is_followed, [*symbols.sources.production, *symbols.sources.tests]
        )
        self._words = RECIPES | ASSIGNING | followed

    def lines(self, module: Module) -> Iterator[Superseded]:
        """Yield the lines of a module of the suite."""
        if not module.mentions(*self._words):
            return
        for node in outside_tests(module.tree):
            found = recipes(node, module.path, self._symbols)
            told = {slug: "" for slug in found if not is_of_a_test(slug, node, module)}
            for function in self._called(node, module.path):
                slugs = self._of_function(function)
                if slugs and not self._is_told_not_to(node, function):
                    told = dict.fromkeys(slugs, self._doing_more(function)) | told
            for slug, by in told.items():
                assert isinstance(node, ast.stmt | ast.expr)
                yield Superseded(module.path, node.lineno, slug, by, node)
        if module.path.name == "conftest.py":
            for each in environ_assignments(module):
                if each.value is not None and not each.is_patch:  # no line of hermetic_env computes a value
                    yield Superseded(module.path, each.line, "env-in-conftest")

    def _of_function(self, function: Reference) -> frozenset[str]:
        if function not in self._followed:
            return frozenset()
        if function not in self._done_by:
            own, called = self._done_in(function)
            self._done_by[function] = own  # as far as it calls itself
            self._done_by[function] = own.union(*map(self._of_function, called))
        return self._done_by[function]

    def _doing_more(self, function: Reference) -> str:
        """Return the name of a function of the application that may do more than what it is told for; else nothing."""
        definition = self._symbols.definition(function)
        body = definition.body if isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef) else []
        while len(body := _without_docstring(body)) == 1 and isinstance(body[0], ast.With | ast.AsyncWith):
            body = body[0].body
        return "" if len(body) == 1 and self._done_in(function)[0] else function.name

    def _is_told_not_to(self, call: ast.AST, function: Reference) -> bool:
        """Whether a call turns something off that the function asks for: ``create_engine(url, migrate=False)``."""
        words = call.keywords if isinstance(call, ast.Call) else []
        off = {word.arg for word in words if isinstance(word.value, ast.Constant) and not word.value.value}
        definition = self._symbols.definition(function) if off else None
        asked = (node.test for node in nodes_of(definition) if isinstance(node, ast.If)) if definition else ()
        return any(isinstance(node, ast.Name) and node.id in off for test in asked for node in ast.walk(test))

    def _is_followed(self, function: Reference) -> bool:
        """Whether a function of the application does such a thing, or calls one of which that is known.

        What makes an application has it done at its start-up.
        """
        own, called = self._done_in(function)
        if (own or not called.isdisjoint(self._followed)) and not makes_application(function, self._symbols):
            self._followed.add(function)
        return function in self._followed

    def _done_in(self, function: Reference) -> tuple[frozenset[str], frozenset[Reference]]:
        """Return what a function of the application does itself, and the functions that its calls name."""
        if function not in self._read:
            self._read[function] = frozenset(), frozenset()
            definition, file = self._symbols.definition(function), function.file
            is_function = isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef)
            if definition and file and is_function and self._symbols.sources.modules[file].is_production:
                told = [node for node in nodes_of(definition) if isinstance(node, TELLING)]
                slugs = (slug for node in told for slug in recipes(node, file, self._symbols))
                called = (each for node in told for each in self._called(node, file))
                self._read[function] = MAKING_TABLES.intersection(slugs), frozenset(called)
        return self._read[function]

    def _called(self, node: ast.AST, file: Path) -> Iterator[Reference]:
        """Yield the functions that a call names: it calls them, or has them called."""
        for part in (node.func, *node.args) if isinstance(node, ast.Call) else ():
            reference = self._symbols.resolve(file, part)
            if reference is not None and reference.file is not None:
                yield reference


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if is_docstring else body


SESSION_NAME = re.compile(
    r"(^|_)(db|database|session|sessionmaker|engine|conn|connection|uow)(_|$)", re.IGNORECASE
)
CONNECTION_NAME = re.compile(r"(^|_)conn(ection)?$", re.IGNORECASE)
OF_TABLES = frozenset({"create", "create_all", "drop", "drop_all", "reflect"})
"""What is done to tables by a connection, and makes no session of it."""
RUNS_A_STATEMENT = frozenset({"execute", "exec", "scalars"})
CLEARING = re.compile(
    r"\s*(truncate\s.*|delete\s+from\s+([\w.\"]+\s*(where\s.*)?)?;?\s*)", re.IGNORECASE | re.DOTALL
)
MAKING = re.compile(r"\s*create\s+database\b", re.IGNORECASE)
STARTING = frozenset({"testcontainers", "testing"})
"""The packages that start a server for tests."""
RECIPES = STARTING | frozenset(
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
    | {word for name in ("truncate", "delete", "create") for word in (name, name.upper(), name.title())}
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
    if isinstance(node, ast.Call) and _starts_a_server(node.func, file, symbols):
        yield "own-server"
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
        elif MAKING.match(node.value):
            yield "create-database"
        elif node.value == "after_transaction_end":
            yield "savepoint-listener"


def _of_attribute(node: ast.Attribute) -> Iterator[str]:
    if node.attr in ("create_all", "drop_all"):
        yield "create-all"
    elif node.attr == "begin_nested" and not _is_super(node.value):
        yield "savepoint-listener"
    elif node.attr == "sorted_tables":
        yield "truncate-loop"


def _is_super(value: ast.expr) -> bool:
    """Whether this is ``super()``: a session of the suite's own, not a use of one."""
    return isinstance(value, ast.Call) and last_name(value.func) == "super"


def _of_call(node: ast.Call) -> Iterator[str]:
    name = last_name(node.func)
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
        elif word.arg == "bind" and name not in OF_TABLES and CONNECTION_NAME.search(last_name(word.value)):
            yield "shared-connection"


def _starts_a_server(function: ast.expr, file: Path, symbols: Symbols) -> bool:
    """Whether a call is of a library that starts servers, and starts one of a kind that hermetic makes."""
    found = symbols.resolve(file, function)
    if found is None or found.file is not None or found.name.partition(".")[0] not in STARTING:
        return False
    name = found.name.rpartition(".")[2].lower()
    kinds = [kind for known, kind in DATABASES.by_name.items() if name.startswith(known)]
    return any(find_backend(kind.name) is not None for kind in kinds)


def _runs_a_delete(call: ast.Call) -> bool:
    """Whether a call clears a table: ``execute(delete(User))``, or ``query(User).delete()``."""
    if last_name(call.func) in RUNS_A_STATEMENT:
        return any(_is_delete(argument) for argument in call.args[:1])
    return last_name(call.func) == "delete" and last_name(_start_of_chain(call)) == "query"


def _is_sqlalchemys(function: ast.expr, name: str, file: Path, symbols: Symbols) -> bool:
    """Whether an expression is SQLAlchemy's (or SQLModel's) function of a name, and no client's method."""
    found = symbols.resolve(file, function)
    return found is not None and found.name in (f"sqlalchemy.{name}", f"sqlmodel.{name}")


def _is_delete(statement: ast.expr) -> bool:
    """Whether an argument is ``delete(User)`` or ``table.delete()``, with or without conditions."""
    if not isinstance(statement, ast.Call):
        return False
    if last_name(statement.func) == "where" and isinstance(statement.func, ast.Attribute):
        return _is_delete(statement.func.value)
    return last_name(statement.func) == "delete"


def _start_of_chain(call: ast.Call) -> ast.expr:
    """Return what a chain of calls begins with: ``session.query`` of ``session.query(User).filter(...).delete()``."""
    function = call.func
    while isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call):
        function = function.value.func
    return function


def _is_application(word: ast.keyword) -> bool:
    """Whether a client may be given an application: through a transport, or as httpx before 0.28 took it."""
    return word.arg in ("app", "transport")


def _overrides_session(target: ast.expr) -> bool:
    if not isinstance(target, ast.Subscript) or last_name(target.value) != "dependency_overrides":
        return False
    return SESSION_NAME.search(last_name(target.slice)) is not None


def _is_overrides(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and last_name(function.value) == "dependency_overrides"


def _names_session(argument: ast.expr) -> bool:
    keys = argument.keys if isinstance(argument, ast.Dict) else []
    return any(key is not None and SESSION_NAME.search(last_name(key)) for key in keys)
