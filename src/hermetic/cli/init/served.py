"""Tell which of the clients that a suite makes itself are of the application that hermetic serves.

A suite makes clients of other applications as well: of a small one for a middleware, of a second service, of whatever
a helper is given. ``async_client`` takes the place of none of them. So an application is followed back to where it is
made, through variables, fixtures and helpers, and what cannot be followed is somebody else's.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from hermetic.source.applications import Application
from hermetic.source.bindings import Bindings, Function, parameters
from hermetic.source.configuration import Configuration
from hermetic.source.fixtures import Fixture, Suite, Test
from hermetic.source.symbols import Reference, Symbols
from hermetic.source.syntax import keyword, last_name

PASSING_ON = {"ASGITransport": 0, "LifespanManager": 0, "TestClient": 0, "cast": 1}
"""What is made of an application and stands for it, with the position at which it is given."""
OF_MANAGER = frozenset({"app", "application"})
DEEPEST = 12

Sought = frozenset[tuple[Path, ast.AST]]


class Served:
    """Knows the application that hermetic serves, under all its names.

    Args:
        symbols: The project's names.
        configuration: pytest's settings, which say what is collected.
        application: The application; None where hermetic has none.
    """

    def __init__(
        self, symbols: Symbols, configuration: Configuration, application: Application | None
    ) -> None:
        self._symbols = symbols
        self._configuration = configuration
        self._bindings = Bindings(symbols, ())
        own = Reference(application.file, application.name) if application else None
        self._own = {own, *self._of_reference(own, frozenset())} if own else set()

    def by(self, file: Path, call: ast.Call) -> bool:
        """Whether a call that makes a client, or runs a lifespan, is given that application.

        Args:
            file: The module.
            call: ``AsyncClient(...)`` or ``LifespanManager(...)``.
        """
        given = keyword(call, "app") or keyword(call, "transport") or next(iter(call.args), None)
        if given is None or not self._own:
            return False
        return any(each in self._own for each in self._made_by(file, given, frozenset()))

    @cached_property
    def _fixtures(self) -> Suite:
        return Suite(self._symbols, self._configuration)

    @cached_property
    def _users(self) -> dict[ast.AST, Test | Fixture]:
        return {each.function: each for each in self._fixtures.users}

    def _made_by(self, file: Path, node: ast.expr, seen: Sought) -> Iterator[Reference]:
        """Yield the names of what an expression's value may be, and of what makes it."""
        if (file, node) in seen or len(seen) > DEEPEST:
            return
        seen |= {(file, node)}
        if isinstance(node, ast.Await):
            yield from self._made_by(file, node.value, seen)
        elif isinstance(node, ast.Call):
            yield from self._of_call(file, node, seen)
        elif isinstance(node, ast.Name):
            yield from self._of_name(file, node, seen)
        elif isinstance(node, ast.Attribute):
            found = self._symbols.resolve(file, node)
            yield from self._of_reference(found, seen)
            if node.attr in OF_MANAGER and found is None:
                yield from self._made_by(file, node.value, seen)

    def _of_call(self, file: Path, call: ast.Call, seen: Sought) -> Iterator[Reference]:
        position = PASSING_ON.get(last_name(call.func))
        if position is None:
            yield from self._of_reference(self._symbols.resolve(file, call.func), seen)
            return
        given = keyword(call, "app") or next(iter(call.args[position:]), None)
        if given is not None:
            yield from self._made_by(file, given, seen)

    def _of_name(self, file: Path, name: ast.Name, seen: Sought) -> Iterator[Reference]:
        for scope in self._bindings.scopes(file, name):
            bound = self._bindings.local(scope).get(name.id, [])
            if not isinstance(scope, ast.ClassDef) and name.id in parameters(scope):
                yield from self._of_parameter(scope, name.id, seen)
            elif not bound:
                continue
            for each in bound:
                if each.position is None:
                    yield from self._made_by(file, each.value, seen)
            return
        yield from self._of_reference(self._symbols.lookup(file, name.id), seen)

    def _of_parameter(self, function: Function, name: str, seen: Sought) -> Iterator[Reference]:
        """Yield it for what a fixture gives; a helper is given something else by each of its callers."""
        user = self._users.get(function)
        fixture = self._fixtures.given(name, user) if user is not None else None
        if fixture is not None:
            yield from self._results_of(fixture.file, fixture.function, seen)

    def _of_reference(self, reference: Reference | None, seen: Sought) -> Iterator[Reference]:
        if reference is None or reference.file is None:
            return
        yield reference
        definition = self._symbols.definition(reference)
        if isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from self._results_of(reference.file, definition, seen)
        elif isinstance(definition, ast.expr):
            yield from self._made_by(reference.file, definition, seen)

    def _results_of(self, file: Path, function: Function, seen: Sought) -> Iterator[Reference]:
        for _, value in self._bindings.results(function):
            yield from self._made_by(file, value, seen)
