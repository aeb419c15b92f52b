"""By which names a suite gets at the clients that it has made itself, and which tests do so."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hermetic.migrate.steps.recipes.sites import Site
from hermetic.source.bindings import FUNCTIONS, Bindings, Function
from hermetic.source.fixtures import Suite, Test
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
    """Which tests use a client: those in which it is made, and those that come to it by fixtures and helpers.

    Args:
        suite: The suite.
        bindings: What lies around a node.
    """

    def __init__(self, suite: Suite, bindings: Bindings) -> None:
        self._suite = suite
        self._bindings = bindings
        self._tests: dict[Function, list[Test]] = defaultdict(list)
        for test in suite.tests:
            for function in (test.function, *(each.function for each in suite.closure(test).values())):
                self._tests[function].append(test)

    def of(self, site: Site) -> list[Test]:
        """Return the tests that use a client that is made at a place."""
        found = [
            outer for outer in self._bindings.scopes(site.file, site.call) if isinstance(outer, FUNCTIONS)
        ]
        names = [] if found else [name for name in _names_given(site, self._bindings) if name]
        waiting: list[tuple[str, Path, ast.AST | None]] = [(name, site.file, None) for name in names]
        waiting += [(each.name, site.file, each) for each in found if not isinstance(each, ast.Lambda)]
        reached: dict[ast.AST, None] = dict.fromkeys(found)
        while waiting:
            for function, file in self._mentioning(*waiting.pop()):
                if function not in reached:
                    reached[function] = None
                    waiting.append((function.name, file, function))
        return [test for function in reached for test in self._tests.get(function, ())]  # type: ignore[call-overload]

    def _mentioning(
        self, name: str, file: Path, definition: ast.AST | None
    ) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, Path]]:
        """Yield the functions that have a name of a file in them: as such, or as a method's behind a dot."""
        if definition in self._tests and definition is not None:
            return  # what pytest calls itself is found by its own ways
        symbols = self._suite.symbols
        for module in symbols.sources.tests:
            nodes: list[ast.Name | ast.Attribute] = []
            if module.mentions(name):
                nodes = [node for node in module.of(ast.Name) if node.id == name]
                nodes += [node for node in module.of(ast.Attribute) if node.attr == name]
            for node in nodes:
                found = symbols.resolve(module.path, node)
                is_it = found is not None and (found.file, found.name) == (file, name)
                if is_it or (found is None and module.path == file):
                    for outer in self._bindings.scopes(module.path, node):
                        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
                            yield outer, module.path
