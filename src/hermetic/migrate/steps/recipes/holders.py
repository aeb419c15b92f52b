"""By which names a suite gets at the clients that it has made itself, and which tests do so."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from hermetic.migrate.steps.recipes.sites import Site
from hermetic.source.bindings import FUNCTIONS, Bindings, Function
from hermetic.source.fixtures import Suite, Test
from hermetic.source.modules import Module
from hermetic.source.symbols import Reference
from hermetic.source.syntax import last_name

MANAGING = frozenset({"asynccontextmanager", "contextmanager"})
PLAIN = frozenset({"staticmethod", "classmethod"})


@dataclass
class Holders:
    """The names under which clients are had.

    Attributes:
        suite: The suite.
        made: The calls that make them.
        variables: Variables, each with its file.
        makers: Functions that return one.
        managers: Functions that give one where what they return is entered.
        fixtures: Fixtures that give one.
    """

    suite: Suite
    made: frozenset[ast.expr] = frozenset()
    variables: set[tuple[Path, str]] = field(default_factory=set)
    makers: set[ast.AST] = field(default_factory=set)
    managers: set[ast.AST] = field(default_factory=set)
    fixtures: set[ast.AST] = field(default_factory=set)

    @property
    def size(self) -> int:
        """How many names there are."""
        return len(self.variables) + len(self.makers | self.managers | self.fixtures)

    def holds(self, file: Path, node: ast.expr) -> bool:
        """Whether an expression gives one of these clients."""
        if isinstance(node, ast.Await):
            node = node.value
        if isinstance(node, ast.Call):
            return self._is_among(self.makers, file, node.func)
        if isinstance(node, ast.Attribute):
            return (file, node.attr) in self.variables
        return isinstance(node, ast.Name) and (
            (file, node.id) in self.variables or self.is_fixture(file, node.id)
        )

    @cached_property
    def of_pytest(self) -> frozenset[Function]:
        """The functions of the suite's fixtures."""
        return frozenset(each.function for each in self.suite.fixtures)

    def is_fixture(self, file: Path, name: str) -> bool:
        """Whether a name is that of a fixture which gives one."""
        found = self.suite.find(name, file)
        return found is not None and found.function in self.fixtures

    def gives_entered(self, file: Path, node: ast.expr) -> bool:
        """Whether an expression gives one of these clients where it is entered."""
        if isinstance(node, ast.Call) and self._is_among(self.managers, file, node.func):
            return True
        return self.holds(file, node)

    def add(self, function: Function, values: Iterable[tuple[ast.AST, ast.expr]], file: Path) -> None:
        """Add a function that gives back what holds a client, by what it does so."""
        named = {
            last_name(each.func if isinstance(each, ast.Call) else each) for each in _decorators(function)
        }
        given = {type(node) for node, value in values if self.holds(file, value) or value in self.made}
        if not given:
            return
        if function in self.of_pytest:
            self.fixtures.add(function)
        elif named & MANAGING:
            self.managers.add(function)
        elif ast.Return in given and named <= PLAIN:
            self.makers.add(function)

    def _is_among(self, functions: set[ast.AST], file: Path, called: ast.expr) -> bool:
        """Whether a call is of one of some functions: of what the name stands for, else of that name."""
        symbols = self.suite.symbols
        found = symbols.definition(symbols.resolve(file, called))
        if found is not None:
            return found in functions
        return any(last_name(called) == getattr(each, "name", "") for each in functions)


def find_holders(sites: Iterable[Site], suite: Suite, bindings: Bindings) -> Holders:
    """Return by which names clients are had that were made at some places."""
    places = list(sites)
    found = Holders(suite, frozenset(site.call for site in places))
    for site in places:
        found.variables |= {(site.file, name) for name in _names_given(site, bindings) if name}
    size = -1
    while found.made and found.size > size:
        size = found.size
        for module in suite.symbols.sources.tests:
            _follow(module, found, bindings)
    return found


def _follow(module: Module, found: Holders, bindings: Bindings) -> None:
    """Add to whoever has a client whoever gets one from there: variables, and functions that give one back."""
    given: list[ast.Assign | ast.AnnAssign] = [*module.of(ast.Assign), *module.of(ast.AnnAssign)]
    for statement in given:
        if statement.value is not None and found.holds(module.path, statement.value):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            found.variables |= {(module.path, name) for name in map(last_name, targets) if name}
    for block in module.of(ast.AsyncWith):
        for item in block.items:
            name = last_name(item.optional_vars) if item.optional_vars is not None else ""
            if name and found.gives_entered(module.path, item.context_expr):
                found.variables.add((module.path, name))
    functions: list[Function] = [*module.of(ast.FunctionDef), *module.of(ast.AsyncFunctionDef)]
    for function in functions:
        found.add(function, bindings.results(function), module.path)


def _decorators(function: Function) -> list[ast.expr]:
    return [] if isinstance(function, ast.Lambda) else function.decorator_list


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
        is_of_module = name in symbols.scope(file).definitions  # else no other module can come to it
        for module in symbols.sources.tests if is_of_module else [symbols.sources.modules[file]]:
            if not module.mentions(name):
                continue
            is_own = module.path == file
            nodes: list[ast.Name | ast.Attribute] = []
            if is_own or symbols.lookup(module.path, name) == Reference(file, name):
                nodes += [node for node in module.of(ast.Name) if node.id == name]
            if is_own or module.may_have_attribute((name,)):
                nodes += [node for node in module.of(ast.Attribute) if node.attr == name]
            for node in nodes:
                found = symbols.resolve(module.path, node)
                if found == Reference(file, name) or (found is None and is_own):
                    for outer in self._bindings.scopes(module.path, node):
                        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
                            yield outer, module.path
