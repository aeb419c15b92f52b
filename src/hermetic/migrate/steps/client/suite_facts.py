"""What a suite has, whatever its values are: the names of a scope, who calls a function, what inherits from a class."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from hermetic.migrate.steps.client.names import (
    ASYNC_CONTEXT_MANAGERS,
    CONTEXT_MANAGERS,
    TEST_CLIENTS,
    Names,
    bound_in,
    foreign,
)
from hermetic.migrate.steps.client.uses import Unit
from hermetic.source.bindings import FUNCTIONS, Bindings, Function, parameters
from hermetic.source.fixtures import Fixture, Suite, Test
from hermetic.source.symbols import Class, Symbols, lineage_of
from hermetic.source.syntax import last_name

STEPS = tuple(f"pytest_bdd.{name}" for name in ("given", "when", "then", "step"))


class Facts:
    """What is known of a suite without its values.

    Args:
        symbols: The project's names.
        suite: Its fixtures and tests.

    Attributes:
        symbols: The project's names.
        suite: Its fixtures and tests.
        bindings: What lies around a node.
        units: What is converted as a whole, by a function in it.
    """

    def __init__(self, symbols: Symbols, suite: Suite) -> None:
        self.symbols = symbols
        self.suite = suite
        self.bindings = Bindings(symbols, symbols.sources.tests)
        self.units: dict[ast.AST, Unit] = {}
        self._names: dict[ast.AST, Names] = {}
        self._generators: dict[Function, bool] = {}
        self._parameters: dict[Function, frozenset[str]] = {}

    def is_generator(self, function: Function) -> bool:
        """Whether a function yields."""
        if function not in self._generators:
            is_lambda = isinstance(function, ast.Lambda)
            self._generators[function] = not is_lambda and self.names(function).has_yield
        return self._generators[function]

    def drop_bodies(self) -> None:
        """Drop all bodies of functions, and what is known by nodes of them."""
        self._names.clear()
        self.bindings.drop_bodies()
        self.symbols.sources.drop_bodies()

    def place(self, file: Path, node: ast.AST) -> int:
        """Return where a node stands among those of its file."""
        return self.symbols.sources.modules[file].places[node]

    def unit(self, file: Path, node: ast.AST) -> Unit:
        """Return the unit in which a node stands."""
        scope = next(iter(self.bindings.scopes(file, node)), None)
        if scope is None or isinstance(scope, ast.ClassDef):
            if not isinstance(node, FUNCTIONS):
                return self._unit_around(file, node)
            scope = node
        if scope not in self.units:
            self.units[scope] = self._unit_around(file, scope)
        return self.units[scope]

    def _unit_around(self, file: Path, node: ast.AST) -> Unit:
        outermost: ast.AST | None = node if isinstance(node, FUNCTIONS) else None
        statement: ast.AST = node
        for outer in self.bindings.around(file, node):
            if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
                outermost = outer
            elif isinstance(outer, ast.ClassDef) and self.is_client_class(file, outer):
                return Unit(file, outer)
            if not isinstance(outer, ast.Module):
                statement = outer
        if outermost is not None and not isinstance(outermost, ast.Lambda):
            return Unit(file, outermost)
        return _unit_of_statement(file, statement)

    def decorators(self, file: Path, function: Function) -> list[str]:
        """Return the full names of a function's decorators."""
        listed = [] if isinstance(function, ast.Lambda) else function.decorator_list
        made = [each.func if isinstance(each, ast.Call) else each for each in listed]
        return [foreign(file, each, self.symbols) or last_name(each) for each in made]

    def is_manager(self, file: Path, function: Function) -> bool:
        """Whether a function is made a context manager, of either kind."""
        return any(
            each in CONTEXT_MANAGERS | ASYNC_CONTEXT_MANAGERS for each in self.decorators(file, function)
        )

    def names(self, scope: ast.AST) -> Names:
        """Return the names that a scope binds."""
        if scope not in self._names:
            self._names[scope] = bound_in(scope)
        return self._names[scope]

    def family(self, file: Path, definition: ast.ClassDef) -> list[Class]:
        """Return a class, those of the project that it inherits from, and those that inherit from it."""
        found = list(lineage_of(Class(file, definition), self.symbols))
        return [*found, *self._heirs.get(definition, ())]

    def is_client_class(self, file: Path, definition: ast.ClassDef) -> bool:
        """Whether a class inherits from ``TestClient``."""
        return definition in self._clients

    def methods(self, file: Path, definition: ast.ClassDef, name: str) -> list[tuple[Path, Function]]:
        """Return the methods of a name that an object of a class may have."""
        lineage = list(lineage_of(Class(file, definition), self.symbols))
        own = next((found for each in lineage if (found := _method(each, name))), None)
        heirs = [_method(each, name) for each in self._heirs.get(definition, ())]
        return [each for each in (own, *heirs) if each is not None]

    def users_of(self, function: Function) -> list[Test | Fixture]:
        """Return what pytest calls a function as."""
        return self._users.get(function, [])

    def binding_scope(self, file: Path, node: ast.Name) -> Function | ast.ClassDef | None:
        """Return the function or class that binds a name; None for the module."""
        return next(
            (each for each in self.bindings.scopes(file, node) if self._is_bound_in(each, node.id)), None
        )

    def is_local(self, file: Path, node: ast.expr) -> bool:
        """Whether a name, or what an attribute is of, is bound in a function or a class around it, or is no name."""
        root = node
        while isinstance(root, ast.Attribute):
            root = root.value
        return not isinstance(root, ast.Name) or self.binding_scope(file, root) is not None

    def _is_bound_in(self, scope: Function | ast.ClassDef, name: str) -> bool:
        names = self.names(scope)
        return name in names.given or name in names.defined or name in self.all_parameters(scope)

    def all_parameters(self, scope: Function | ast.ClassDef) -> frozenset[str]:
        """Return the names of all parameters of a function; a class has none."""
        if isinstance(scope, ast.ClassDef):
            return frozenset()
        if scope not in self._parameters:
            extra = [each.arg for each in (scope.args.vararg, scope.args.kwarg) if each is not None]
            self._parameters[scope] = frozenset({*parameters(scope), *extra})
        return self._parameters[scope]

    @cached_property
    def _users(self) -> dict[ast.AST, list[Test | Fixture]]:
        found: dict[ast.AST, list[Test | Fixture]] = defaultdict(list)
        users: list[Test | Fixture] = [*self.tests, *self.suite.fixtures]
        for each in users:
            found[each.function].append(each)
        return found

    @cached_property
    def tests(self) -> list[Test]:
        """The tests, and what else is given fixtures: tests that only classes have which inherit them, steps."""
        known = {each.function for each in self.suite.users}
        inherited = [
            Test(each.file, line, each.definition, {})
            for each in self._classes
            if each.definition in self._heirs
            for line in each.definition.body
            if isinstance(line, ast.FunctionDef | ast.AsyncFunctionDef)
            and line.name.startswith("test")
            and line not in known
        ]
        return [*self.suite.tests, *inherited, *self._steps()]

    def _steps(self) -> Iterator[Test]:
        """Yield the functions that pytest-bdd calls with fixtures, for the lines of a scenario."""
        for module in self.symbols.sources.tests:
            for function in module.of(ast.FunctionDef) if module.mentions("pytest_bdd") else ():
                if any(name.startswith(STEPS) for name in self.decorators(module.path, function)):
                    yield Test(module.path, function, None, {})

    @cached_property
    def _classes(self) -> list[Class]:
        return [
            Class(module.path, each)
            for module in self.symbols.sources.tests
            for each in (*module.of(ast.ClassDef),)
        ]

    @cached_property
    def _heirs(self) -> dict[ast.ClassDef, list[Class]]:
        found: dict[ast.ClassDef, list[Class]] = defaultdict(list)
        for each in self._classes:
            if each.definition.bases:
                for above in list(lineage_of(each, self.symbols))[1:]:
                    found[above.definition].append(each)
        return found

    @cached_property
    def _clients(self) -> set[ast.ClassDef]:
        """The classes that inherit from ``TestClient``."""
        found = set()
        for each in self._classes:
            lineage = lineage_of(each, self.symbols) if each.definition.bases else ()
            if any(
                foreign(above.file, base, self.symbols) in TEST_CLIENTS
                for above in lineage
                for base in above.definition.bases
            ):
                found.add(each.definition)
        return found


def _unit_of_statement(file: Path, statement: ast.AST) -> Unit:
    target = None
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign):
        target = statement.target
    if isinstance(target, ast.Name):
        return Unit(file, None, target.id)
    if isinstance(statement, ast.ClassDef):
        return Unit(file, statement)
    return Unit(file)


def _method(found: Class, name: str) -> tuple[Path, Function] | None:
    for line in found.definition.body:
        if isinstance(line, ast.FunctionDef | ast.AsyncFunctionDef) and line.name == name:
            return found.file, line
    return None
