"""What an expression of a suite stands for: an engine, a connection, a transaction, a sessionmaker, a session.

Values are followed through names, fixtures, helpers and ``with`` back to the call that makes the engine. What the
application's own modules make is the application's, whatever it is called there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hermetic.source.bindings import FUNCTIONS, Bindings, parameters
from hermetic.source.engines import ENGINES
from hermetic.source.environ import outside
from hermetic.source.fixtures import Fixture, Function, Suite
from hermetic.source.syntax import keyword, last_name, literal, statements

Kind = Literal["engine", "connection", "transaction", "maker", "session", "migrations"]

MAKERS = frozenset({"sessionmaker", "async_sessionmaker", "scoped_session", "async_scoped_session"})
SESSIONS = frozenset({"Session", "AsyncSession"})
PACKAGES = frozenset({"sqlalchemy", "sqlmodel"})
ANNOTATED: dict[str, tuple[Kind, bool]] = {
    "Engine": ("engine", False),
    "AsyncEngine": ("engine", True),
    "Session": ("session", False),
    "AsyncSession": ("session", True),
    "sessionmaker": ("maker", False),
    "async_sessionmaker": ("maker", True),
}
OPENS = frozenset({"connect", "begin"})
BEGINS = frozenset({"begin", "begin_nested"})
SAME = frozenset(
    {"execution_options", "sync_engine", "sync_session", "sync_connection", "__aenter__", "__enter__"}
)
FIRST = frozenset({"anext", "next", "aiter", "iter", "scoped_session", "async_scoped_session"})
"""Functions whose result is of the kind of their first argument's, as far as it counts here."""


@dataclass(frozen=True)
class Place:
    """An expression and its file."""

    file: Path
    node: ast.expr


@dataclass(frozen=True)
class Handle:
    """Something through which the database is reached.

    Attributes:
        kind: What it is.
        is_async: Whether it is one of SQLAlchemy's asynchronous classes.
        engine: The call of the suite that makes its engine, or the expression by which the suite names the
            application's; None where only the application knows.
        is_own: Whether that engine is the suite's.
        connection: The call of the suite that opens the one connection that it lies on; None where it lies on none.
        made: The call that makes it.
    """

    kind: Kind
    is_async: bool
    engine: Place | None = None
    is_own: bool = False
    connection: Place | None = None
    made: Place | None = None

    @property
    def roots(self) -> frozenset[ast.expr]:
        """The calls of the suite without which there would be none of it."""
        own = (self.engine if self.is_own else None, self.connection)
        return frozenset(each.node for each in own if each is not None)


class Handles:
    """Ask what expressions stand for.

    Args:
        suite: The suite.
    """

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.symbols = suite.symbols
        self.bindings = Bindings(suite.symbols, suite.symbols.sources.tests)
        self._known: dict[tuple[Path, ast.AST], Handle | None] = {}
        self._fixtures = {each.function: each for each in suite.fixtures}
        self._tests = {each.function: each for each in suite.tests}

    def of(self, file: Path, node: ast.expr) -> Handle | None:
        """Return what an expression is; None for anything else."""
        key = file, node
        if key not in self._known:
            self._known[key] = None  # as far as it is asked for its own value
            self._known[key] = self._of(file, node)
        return self._known[key]

    def of_name(self, file: Path, name: str) -> Handle | None:
        """Return what a name at the top of a file is; what the application makes is the application's."""
        return self._of_reference(file, ast.Name(name, ast.Load()))

    def of_fixture(self, fixture: Fixture) -> Handle | None:
        """Return what a fixture hands out."""
        return self.of_results(fixture.file, fixture.function)

    def of_results(self, file: Path, function: Function | ast.Lambda) -> Handle | None:
        """Return what a function returns or yields."""
        if isinstance(function, ast.Lambda):
            return self.of(file, function.body)
        for _, value in self.bindings.results(function):
            found = self.of(file, value)
            if found is not None:
                return found
        return _annotated(function.returns)

    def handed_out(self, file: Path, node: ast.expr) -> Handle | None:
        """Return what comes of an expression that is called, as an override is: of a function, or of a value."""
        called = self.function(file, node)
        if called is not None:
            return self.of_results(*called)
        if isinstance(node, ast.Call) and last_name(node.func) in ("partial", "Mock", "MagicMock"):
            given = [*node.args, *(word.value for word in node.keywords)]
            return next((found for each in given if (found := self.of(file, each))), None)
        return self.of(file, node)

    def function(self, file: Path, node: ast.expr) -> tuple[Path, Function | ast.Lambda] | None:
        """Return the function of the project that an expression names, one within a function included."""
        if isinstance(node, ast.Lambda):
            return file, node
        if isinstance(node, ast.Name):
            for scope in self.bindings.scopes(file, node):
                body = scope.body if isinstance(scope, Function) else []
                for each in statements(body):
                    if isinstance(each, Function) and each.name == node.id:
                        return file, each
                if isinstance(scope, FUNCTIONS) and node.id in parameters(scope):
                    found = self.fixture_of(file, scope, node.id)
                    inner = self._handed_on(found) if found else None
                    return inner
        reference = self.symbols.resolve(file, node)
        definition = self.symbols.definition(reference)
        if isinstance(definition, Function) and reference is not None and reference.file is not None:
            return reference.file, definition
        return None

    def fixture_of(self, file: Path, function: ast.AST, name: str) -> Fixture | None:
        """Return the fixture that a parameter of a test or a fixture is given."""
        user = self._fixtures.get(function) or self._tests.get(function)  # type: ignore[call-overload]
        if user is None:
            return None
        if isinstance(user, Fixture) and user.name == name:  # it overrides another of its own name
            return next((each for each in self._above(user) if each is not user), None)
        return self.suite.find(name, file, user.owner)

    def _above(self, fixture: Fixture) -> Iterator[Fixture]:
        for place in fixture.file.parents:
            found = self.suite.find(fixture.name, place / "conftest.py")
            if found is not None and found is not fixture:
                yield found

    def _handed_on(self, fixture: Fixture) -> tuple[Path, Function | ast.Lambda] | None:
        """Return the function that a fixture hands out: an override, a factory."""
        for _, value in self.bindings.results(fixture.function):
            if isinstance(value, ast.Name | ast.Lambda):
                return self.function(fixture.file, value)
        return None

    def _of(self, file: Path, node: ast.expr) -> Handle | None:
        if isinstance(node, ast.Await | ast.Starred | ast.NamedExpr):
            return self.of(file, node.value)
        if isinstance(node, ast.Name):
            return self._of_name(file, node)
        if isinstance(node, ast.Attribute):
            return self._of_attribute(file, node)
        if isinstance(node, ast.Call):
            return self._of_call(file, node)
        return None

    def _of_name(self, file: Path, node: ast.Name) -> Handle | None:
        for scope in self.bindings.scopes(file, node):
            if isinstance(scope, FUNCTIONS) and node.id in parameters(scope):
                fixture = self.fixture_of(file, scope, node.id)
                if fixture is not None:
                    return self.of_fixture(fixture)
                return _annotated(parameters(scope)[node.id][0].annotation)
            local = self.bindings.local(scope).get(node.id, [])
            if local:
                values = (self.of(file, each.value) for each in local if each.position in (None, -1))
                return next((each for each in values if each is not None), None)
        return self._of_reference(file, node)

    def _of_reference(self, file: Path, node: ast.expr) -> Handle | None:
        """Return what a name at the top of a module is, of the suite's or of the application's."""
        reference = self.symbols.resolve(file, node)
        if reference is None or reference.file is None:
            return None
        bound = self.bindings.module(reference.file).get(reference.name, [])
        values = (self.of(reference.file, each.value) for each in bound if each.position is None)
        found = next((each for each in values if each is not None), None)
        if found is None or self._is_suite(reference.file):
            return found
        engine = Place(file, node) if found.kind == "engine" else None
        return replace(found, engine=engine, is_own=False, connection=None, made=None)

    def _is_recipes(self, file: Path, node: ast.AST) -> bool:
        """Whether a node is the suite's, and not in a test: what that does itself is what it tests."""
        scopes = self.bindings.scopes(file, node) if self._is_suite(file) else ()
        return self._is_suite(file) and not any(scope in self._tests for scope in scopes)

    def _is_suite(self, file: Path) -> bool:
        return self.symbols.sources.modules[file].is_test

    def _of_attribute(self, file: Path, node: ast.Attribute) -> Handle | None:
        if node.attr in SAME:
            return self.of(file, node.value)
        return self._of_reference(file, node)

    def _of_call(self, file: Path, node: ast.Call) -> Handle | None:
        name = outside(file, node.func, self.symbols)
        last = name.rpartition(".")[2]
        if name.partition(".")[0] in PACKAGES:
            if last in ENGINES:
                place = Place(file, node)
                is_own = self._is_recipes(file, node)
                return Handle("engine", "async" in last, place if is_own else None, is_own, made=place)
            if last in MAKERS or last in SESSIONS:
                return self._of_maker(file, node, last)
        if name == "alembic.config.Config":
            return Handle("migrations", False)
        if isinstance(node.func, ast.Name) and node.func.id in FIRST and node.args:
            return self.of(file, node.args[0])
        if isinstance(node.func, ast.Attribute):
            found = self._of_method(file, node, node.func)
            if found is not None:
                return found
        maker = self.of(file, node.func)
        if maker is not None and maker.kind == "maker":
            bound = self._bind(file, node, positional=False)
            return _session_of(bound or maker, maker.is_async, Place(file, node))
        return self._of_function(file, node)

    def _of_method(self, file: Path, node: ast.Call, function: ast.Attribute) -> Handle | None:
        owner = self.of(file, function.value)
        if owner is None:
            if function.attr == "getfixturevalue" and node.args:
                fixture = self.suite.find(literal(node.args[0]) or "", file)
                return self.of_fixture(fixture) if fixture else None
            return None
        if function.attr in SAME:
            return owner
        if owner.kind == "engine" and function.attr in OPENS:
            place = Place(file, node) if self._is_recipes(file, node) else None
            return replace(owner, kind="connection", connection=place, made=place)
        if owner.kind in ("connection", "session") and function.attr in BEGINS:
            return replace(owner, kind="transaction", made=Place(file, node))
        if owner.kind == "maker" and function.attr == "begin":
            return _session_of(owner, owner.is_async, Place(file, node))
        return None

    def _of_maker(self, file: Path, node: ast.Call, last: str) -> Handle | None:
        if last in ("scoped_session", "async_scoped_session"):
            return self.of(file, node.args[0]) if node.args else None
        bound = self._bind(file, node)
        of_class = keyword(node, "class_")
        is_async = "async" in last.lower() or (of_class is not None and "Async" in last_name(of_class))
        place = Place(file, node)
        if last in SESSIONS:
            return _session_of(bound, is_async, place)
        made = Handle("maker", is_async, made=place)
        return replace(bound, kind="maker", is_async=is_async, made=place) if bound else made

    def _bind(self, file: Path, node: ast.Call, *, positional: bool = True) -> Handle | None:
        given = keyword(node, "bind") or (node.args[0] if node.args and positional else None)
        found = self.of(file, given) if given is not None else None
        return found if found is not None and found.kind in ("engine", "connection") else None

    def _of_function(self, file: Path, node: ast.Call) -> Handle | None:
        called = self.function(file, node.func)
        if called is None:
            return self._of_method_of_class(file, node)
        found = self.of_results(*called)
        if found is None or self._is_suite(called[0]):
            return found
        if found.kind == "engine" and (node.args or node.keywords) and self._is_recipes(file, node):
            return Handle("engine", found.is_async, Place(file, node), True, made=Place(file, node))
        engine = Place(file, node) if found.kind == "engine" else None
        return replace(found, engine=engine, is_own=False, connection=None, made=None)

    def _of_method_of_class(self, file: Path, node: ast.Call) -> Handle | None:
        """Return what a class's own method says that it returns: ``Database.engine()`` of the application."""
        if not isinstance(node.func, ast.Attribute):
            return None
        reference = self.symbols.resolve(file, node.func.value)
        definition = self.symbols.definition(reference)
        body = definition.body if isinstance(definition, ast.ClassDef) else []
        named = (each for each in body if isinstance(each, Function) and each.name == node.func.attr)
        found = next((_annotated(each.returns) for each in named), None)
        return replace(found, engine=Place(file, node)) if found and found.kind == "engine" else found


def _session_of(bound: Handle | None, is_async: bool, place: Place) -> Handle:
    if bound is None:
        return Handle("session", is_async, made=place)
    return replace(bound, kind="session", is_async=is_async, made=place)


def _annotated(annotation: ast.expr | None) -> Handle | None:
    """Return what an annotation promises: ``AsyncGenerator[AsyncSession, None]`` is a session."""
    for node in ast.walk(annotation) if annotation is not None else ():
        if isinstance(node, ast.Name | ast.Attribute) and last_name(node) in ANNOTATED:
            return Handle(*ANNOTATED[last_name(node)])
    return None
