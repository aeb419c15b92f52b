"""List what existing conftests and tests do by hand and hermetic now does.

Nothing of it must go: a suite keeps passing with its own fixtures. So each line is a remark, not an error, and only
fixtures, helpers and module-level code are looked at. What a test does in its own body is what it tests.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.cli.init.application import makes_application
from hermetic.cli.init.assigned import ASSIGNING, environ_assignments
from hermetic.cli.init.nodes import children, nodes_of
from hermetic.cli.init.recipes import RECIPES, is_fixture, recipes
from hermetic.cli.init.sources import Module
from hermetic.cli.init.symbols import Reference, Symbols

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
FOLLOWED = frozenset({"create-all", "migrations"})
"""What is told where it is called, too, if a function of the application does it."""

TELLING = ast.Call | ast.Attribute | ast.Name
"""The nodes that tell it."""

FOLLOWED_WORDS = frozenset({"create_all", "drop_all", "upgrade"})
"""One of these is in each module of the application that does it."""


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


def find_replaced(symbols: Symbols) -> list[Replaced]:
    """List the lines, by file and line, a line at most once for each kind."""
    finder = _Finder(symbols)
    found = {replaced for module in symbols.sources.tests for replaced in finder.lines(module)}
    return sorted(found, key=lambda replaced: (replaced.file, replaced.line, replaced.slug))


class _Finder:
    """Finds the lines, and knows which functions of the application do what is told where they are called."""

    def __init__(self, symbols: Symbols) -> None:
        self._symbols = symbols
        self._followed: set[Reference] = set()
        self._done_by: dict[Reference, frozenset[str]] = {}
        self._read: dict[Reference, tuple[frozenset[str], frozenset[Reference]]] = {}
        followed = symbols.words_for(FOLLOWED_WORDS, self._is_followed)
        self._words = RECIPES | ASSIGNING | followed

    def lines(self, module: Module) -> Iterator[Replaced]:
        """Yield the lines of a module of the suite."""
        if not module.mentions(*self._words):
            return
        for node in outside_tests(module.tree):
            called = self._called(node, module.path)
            slugs = {*recipes(node, module.path, self._symbols)}.union(*map(self._of_function, called))
            for slug in slugs:
                assert isinstance(node, ast.stmt | ast.expr)
                yield Replaced(module.path, node.lineno, slug)
        if module.path.name == "conftest.py":
            for each in environ_assignments(module):
                if not each.is_patch:
                    yield Replaced(module.path, each.line, "env-in-conftest")

    def _of_function(self, function: Reference) -> frozenset[str]:
        if function not in self._followed:
            return frozenset()
        if function not in self._done_by:
            own, called = self._done_in(function)
            self._done_by[function] = own  # as far as it calls itself
            self._done_by[function] = own.union(*map(self._of_function, called))
        return self._done_by[function]

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
                self._read[function] = FOLLOWED.intersection(slugs), frozenset(called)
        return self._read[function]

    def _called(self, node: ast.AST, file: Path) -> Iterator[Reference]:
        """Yield the functions that a call names: it calls them, or has them called."""
        for part in (node.func, *node.args) if isinstance(node, ast.Call) else ():
            reference = self._symbols.resolve(file, part)
            if reference is not None and reference.file is not None:
                yield reference


def outside_tests(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a module of the suite that are in no test: fixtures, helpers, what runs at import."""
    waiting = [node]
    while waiting:
        inner = waiting.pop()
        if inner is not node:
            yield inner
        waiting.extend(
            each for each in reversed(children(inner)) if not _is_test(each) and not _is_docstring(each)
        )


def _is_test(node: ast.AST) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return node.name.startswith("test") and not is_fixture(node)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
