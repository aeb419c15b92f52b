"""By which names a suite gets at the clients that it has made itself, and which tests do so."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hermetic.migrate.steps.recipes.sites import Site
from hermetic.source.bindings import Bindings, Function
from hermetic.source.fixtures import Fixture, Suite, Test
from hermetic.source.sources import Module
from hermetic.source.syntax import last_name


@dataclass
class Holders:
    """The names under which clients are had.

    Attributes:
        suite: The suite.
        variables: Variables, each with its file.
        makers: Functions that return one.
        fixtures: Fixtures that give one.
    """

    suite: Suite
    variables: set[tuple[Path, str]] = field(default_factory=set)
    makers: set[ast.AST] = field(default_factory=set)
    fixtures: set[ast.AST] = field(default_factory=set)

    @property
    def size(self) -> int:
        """How many names there are."""
        return len(self.variables) + len(self.makers) + len(self.fixtures)

    def holds(self, file: Path, node: ast.expr) -> bool:
        """Whether an expression gives one of these clients."""
        if isinstance(node, ast.Await):
            node = node.value
        if isinstance(node, ast.Call):
            return self._makes(file, node.func)
        if isinstance(node, ast.Attribute):
            return (file, node.attr) in self.variables
        return isinstance(node, ast.Name) and (
            (file, node.id) in self.variables or self.is_fixture(file, node.id)
        )

    def is_fixture(self, file: Path, name: str) -> bool:
        """Whether a name is that of a fixture which gives one."""
        found = self.suite.find(name, file)
        return found is not None and found.function in self.fixtures

    def _makes(self, file: Path, called: ast.expr) -> bool:
        """Whether a call is of a function that returns one: of what the name stands for, else of that name."""
        symbols = self.suite.symbols
        found = symbols.definition(symbols.resolve(file, called))
        if found is not None:
            return found in self.makers
        return any(last_name(called) == getattr(each, "name", "") for each in self.makers)


def find_holders(sites: Iterable[Site], suite: Suite, bindings: Bindings) -> Holders:
    """Return by which names clients are had that were made at some places."""
    found = Holders(suite)
    fixtures: set[Function] = {each.function for each in suite.fixtures}
    for site in sites:
        function = bindings.function(site.file, site.call)
        names = {name for name in _names_given(site, bindings) if name}
        found.variables |= {(site.file, name) for name in names}
        if function is not None and any(value is site.call for _, value in bindings.results(function)):
            (found.fixtures if function in fixtures else found.makers).add(function)
    size = -1
    while found.size > max(size, 0):
        size = found.size
        for module in suite.symbols.sources.tests:
            _follow(module, found, fixtures, bindings)
    return found


def _follow(module: Module, found: Holders, fixtures: set[Function], bindings: Bindings) -> None:
    """Add to whoever has a client whoever gets one from there: variables, and functions that give one back."""
    given: list[ast.Assign | ast.AnnAssign] = [*module.of(ast.Assign), *module.of(ast.AnnAssign)]
    for statement in given:
        if statement.value is not None and found.holds(module.path, statement.value):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            found.variables |= {(module.path, name) for name in map(last_name, targets) if name}
    for block in module.of(ast.AsyncWith):
        for item in block.items:
            name = last_name(item.optional_vars) if item.optional_vars is not None else ""
            if name and found.holds(module.path, item.context_expr):
                found.variables.add((module.path, name))
    functions: list[Function] = [*module.of(ast.FunctionDef), *module.of(ast.AsyncFunctionDef)]
    for function in functions:
        if any(found.holds(module.path, value) for _, value in bindings.results(function)):
            (found.fixtures if function in fixtures else found.makers).add(function)


def _names_given(site: Site, bindings: Bindings) -> Iterator[str]:
    """Yield the names to which a client is bound where it is made."""
    for outer in bindings.around(site.file, site.call):
        if isinstance(outer, ast.Assign):
            yield from (last_name(target) for target in outer.targets)
        elif isinstance(outer, ast.AnnAssign | ast.NamedExpr):
            yield last_name(outer.target)
        elif isinstance(outer, ast.withitem) and outer.optional_vars is not None:
            yield last_name(outer.optional_vars)
        if isinstance(outer, ast.stmt):
            return


class Users:
    """Which tests use something, by the names in them, in their fixtures and in the helpers that these call.

    Args:
        suite: The suite.
    """

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._names: dict[Function, frozenset[str]] = {}
        self._needed = [(test, self._needed_by(test)) for test in suite.tests]

    def of(self, site: Site, bindings: Bindings) -> list[Test]:
        """Return the tests that use a client that is made at a place."""
        function = bindings.function(site.file, site.call)
        if function is None:
            words = {name for name in _names_given(site, bindings) if name}
            return [
                test for test, functions in self._needed if any(self._has(each, words) for each in functions)
            ]
        carriers = self._carriers(function)
        return [
            test
            for test, functions in self._needed
            if function in functions or any(self._has(each, carriers) for each in functions)
        ]

    def _carriers(self, function: Function) -> set[str]:
        """Return the names of the helpers through which a function is reached, its own first."""
        pytests = self._suite.functions
        found = set() if function in pytests or isinstance(function, ast.Lambda) else {function.name}
        helpers = [] if not found else self._helpers()
        while True:
            more = {each.name for each in helpers if each.name not in found and self._has(each, found)}
            if not more:
                return found
            found |= more

    def _helpers(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        modules = self._suite.symbols.sources.tests
        functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
        for module in modules:
            functions += [*module.of(ast.FunctionDef), *module.of(ast.AsyncFunctionDef)]
        return [each for each in functions if each not in self._suite.functions]

    def _needed_by(self, test: Test) -> list[Function]:
        fixtures: Iterable[Fixture] = self._suite.closure(test).values()
        return [test.function, *(each.function for each in fixtures)]

    def _has(self, function: Function, words: set[str]) -> bool:
        if function not in self._names:
            nodes = ast.walk(function)
            self._names[function] = frozenset(
                last_name(node) for node in nodes if isinstance(node, ast.Name | ast.Attribute)
            )
        return not words.isdisjoint(self._names[function])
