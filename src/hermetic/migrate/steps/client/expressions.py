"""What an expression of a suite can be, by its form and its names: a client, what comes of one, or a function."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from hermetic.migrate.steps.client.kinds import (
    NOTHING,
    ClientClass,
    Kinds,
    Made,
    Object,
    Request,
    item,
    item_at,
    many,
    row,
    union,
)
from hermetic.migrate.steps.client.names import (
    TEST_CLIENTS,
    Given,
)
from hermetic.migrate.steps.client.results import Results
from hermetic.source.bindings import Function, parameters
from hermetic.source.fixtures import Fixture, Suite, Test
from hermetic.source.symbols import Symbols
from hermetic.source.syntax import keyword, last_name, literal

WITH_KINDS = frozenset(
    {
        ast.Name,
        ast.Attribute,
        ast.Call,
        ast.Await,
        ast.IfExp,
        ast.BoolOp,
        ast.NamedExpr,
        ast.Starred,
        ast.Tuple,
    }
    | {ast.List, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp, ast.Subscript}
    | {ast.Lambda}
)
"""The expressions that can have a kind."""


class Expressions(Results):
    """Tells the kinds of expressions, by what is known of names and parameters.

    Args:
        symbols: The project's names.
        suite: Its fixtures and tests.
    """

    def __init__(self, symbols: Symbols, suite: Suite) -> None:
        super().__init__(symbols, suite)
        self._memo: dict[ast.AST, Kinds] = {}
        self._names_known: dict[tuple[object, str], Kinds] = {}

    def of(self, file: Path, node: ast.AST) -> Kinds:
        """Return what an expression of a file can be."""
        if type(node) not in WITH_KINDS:
            return NOTHING
        if node not in self._memo:
            self._memo[node] = NOTHING  # for a circle
            self._memo[node] = self._expression(file, node)
        return self._memo[node]

    def given(self, function: Function, name: str) -> Kinds:
        """Return what a parameter of a function is given by the calls that there are."""
        return self._read("parameter", function, name)

    def _expression(self, file: Path, node: ast.AST) -> Kinds:
        match node:
            case ast.Name():
                return self._name(file, node)
            case ast.Attribute():
                return self._attribute(file, node)
            case ast.Call():
                return self._call(file, node)
            case ast.Await():
                return self._awaited(self.of(file, node.value))
            case ast.IfExp():
                return self.of(file, node.body) | self.of(file, node.orelse)
            case ast.BoolOp():
                return union(self.of(file, each) for each in node.values)
            case ast.NamedExpr() | ast.Starred():
                return self.of(file, node.value)
            case ast.Tuple() if not any(isinstance(each, ast.Starred) for each in node.elts):
                return row(self.of(file, each) for each in node.elts)
            case ast.List() | ast.Set() | ast.Tuple():
                return many(union(self._spread(file, each) for each in node.elts))
            case ast.Dict():
                return many(union(self.of(file, each) for each in node.values))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return many(self.of(file, node.elt))
            case ast.DictComp():
                return many(self.of(file, node.value))
            case ast.Subscript():
                return self._subscript(file, node)
            case ast.Lambda():
                return frozenset({Made(file, node)})
        return NOTHING

    def _spread(self, file: Path, node: ast.expr) -> Kinds:
        kinds = self.of(file, node)
        return item(kinds) if isinstance(node, ast.Starred) else kinds

    def _name(self, file: Path, node: ast.Name) -> Kinds:
        scopes = self.bindings.scopes(file, node)
        key = (scopes[0] if scopes else file, node.id)
        if key not in self._names_known:
            self._names_known[key] = NOTHING  # for a circle
            self._names_known[key] = self._bound(file, node.id, scopes)
        return self._names_known[key]

    def _bound(self, file: Path, name: str, scopes: Iterable[Function | ast.ClassDef]) -> Kinds:
        """Return what a name is that is seen from some scopes."""
        for scope in scopes:
            names = self.names(scope)
            is_parameter = name in self.all_parameters(scope)
            found = NOTHING
            if not isinstance(scope, ast.ClassDef) and is_parameter:
                found = self._parameter(file, scope, name)
            if name in names.defined:
                return self._definition(file, names.defined[name])
            if name in names.given:
                put = self._read("put", scope, name)
                return found | put | union(self._given(file, each) for each in names.given[name])
            if is_parameter:
                return found | self._read("put", scope, name)
        reference = self.symbols.lookup(file, name)
        if reference is None:
            return self._read("name", file, name)
        return self._reference(reference.file, reference.name)

    def _reference(self, file: Path | None, name: str) -> Kinds:
        if file is None:
            return frozenset({ClientClass()}) if name in TEST_CLIENTS else NOTHING
        definition = self.symbols.scope(file).definitions.get(name)
        if isinstance(definition, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            return self._definition(file, definition)
        return self._read("name", file, name)

    def _definition(
        self, file: Path, definition: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    ) -> Kinds:
        if not isinstance(definition, ast.ClassDef):
            return frozenset({Made(file, definition)})
        if self.is_client_class(file, definition):
            return frozenset({ClientClass(definition)})
        return frozenset({Object(file, definition, is_made=False)})

    def _given(self, file: Path, given: Given) -> Kinds:
        kinds = self.of(file, given.value)
        if not kinds:
            return NOTHING
        if given.is_entered:
            kinds = self.entered(kinds)
        if given.is_each:
            kinds = self.each(kinds)
        for position in given.path:
            kinds = item_at(self._as_rows(kinds), position)
        return kinds

    def _parameter(self, file: Path, function: Function, name: str) -> Kinds:
        found = self.given(function, name)
        owner = self.bindings.owner(file, function)
        if owner is not None and not isinstance(function, ast.Lambda) and name == _first(function):
            names = {last_name(each) for each in function.decorator_list}
            if "staticmethod" not in names:
                return self._self(file, owner, is_made="classmethod" not in names) | found
        for user in self.users_of(function):
            found |= self._injected(user, name)
        _, default = parameters(function).get(name, (None, None))
        return found | (self.of(file, default) if default is not None else NOTHING)

    def _injected(self, user: Test | Fixture, name: str) -> Kinds:
        """Return what pytest gives to a parameter: a fixture, a value of ``parametrize``."""
        if name not in user.requests:
            return NOTHING
        if name == "request":
            return frozenset({Request()})
        own = self.parametrized(user, name)
        if own is not None:
            return own
        fixture = self.suite.given(name, user)
        return self.returned(fixture.function) if fixture is not None else NOTHING

    def parametrized(self, user: Test | Fixture, name: str) -> Kinds | None:
        """Return what ``parametrize`` gives to a parameter; None where it gives nothing to it."""
        decorators = [*user.function.decorator_list, *(user.owner.decorator_list if user.owner else ())]
        for each in decorators:
            if isinstance(each, ast.Call) and last_name(each.func) == "parametrize" and len(each.args) > 1:
                names = _named(each.args[0])
                if name in names and keyword(each, "indirect") is None:
                    items = self.each(self.of(user.file, each.args[1]))
                    return items if len(names) == 1 else item_at(items, names.index(name))
        return None

    def _attribute(self, file: Path, node: ast.Attribute) -> Kinds:
        if not self.is_local(file, node):
            reference = self.symbols.resolve(file, node)
            if reference is not None and (reference.file is None or "." not in reference.name):
                return self._reference(reference.file, reference.name)
        return union(self._member(file, node, each) for each in self.of(file, node.value))

    def _subscript(self, file: Path, node: ast.Subscript) -> Kinds:
        kinds = self.of(file, node.value)
        if kinds and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            return item_at(self._as_rows(kinds), node.slice.value)
        if kinds and isinstance(node.slice, ast.Slice):
            return many(item(kinds))
        return item(kinds)


def _first(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    listed = [*function.args.posonlyargs, *function.args.args]
    return listed[0].arg if listed else ""


def _named(names: ast.expr) -> list[str]:
    """Return the parameters that ``parametrize`` names."""
    text = literal(names)
    if text is not None:
        return [each.strip() for each in text.split(",") if each.strip()]
    listed = names.elts if isinstance(names, ast.List | ast.Tuple) else []
    return [literal(each) or "" for each in listed]
