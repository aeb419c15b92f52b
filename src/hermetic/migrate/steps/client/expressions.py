"""What an expression of a suite can be: a client, what comes of one, or a function of the suite."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from hermetic.migrate.steps.client.kinds import (
    ENDS,
    NOTHING,
    OPENS,
    REQUESTS,
    SESSION_ENDS,
    SESSION_METHODS,
    STREAM_ITERATORS,
    STREAM_READS,
    Awaitable,
    Client,
    ClientClass,
    Kind,
    Kinds,
    Made,
    Many,
    Method,
    Object,
    Opened,
    Opening,
    Other,
    Portal,
    Produced,
    Request,
    Row,
    Stack,
    item,
    item_at,
    many,
    row,
    union,
)
from hermetic.migrate.steps.client.names import (
    COLLECTS,
    PARTIALS,
    PASSES_ON,
    PROPERTIES,
    STACKS,
    TEST_CLIENTS,
    Given,
    foreign,
)
from hermetic.migrate.steps.client.suite_facts import Facts, all_parameters
from hermetic.source.bindings import Function, parameters
from hermetic.source.fixtures import Fixture, Suite, Test
from hermetic.source.symbols import Class, Symbols, lineage_of
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


Key = tuple[object, ...]


class Expressions(Facts):
    """Tells the kinds of expressions, by what is known of names, attributes, parameters and results.

    Args:
        symbols: The project's names.
        suite: Its fixtures and tests.
    """

    def __init__(self, symbols: Symbols, suite: Suite) -> None:
        super().__init__(symbols, suite)
        self._known: dict[Key, Kinds] = {}
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

    def returned(self, function: Function) -> Kinds:
        """Return what a function returns, or yields."""
        return self._read("return", function)

    def given(self, function: Function, name: str) -> Kinds:
        """Return what a parameter of a function is given by the calls that there are."""
        return self._read("parameter", function, name)

    def fixtures_asked_for(self, file: Path, node: ast.Call) -> list[Fixture]:
        """Return the fixtures that ``getfixturevalue`` may be asked for: by a text, or one of ``parametrize``."""
        function = self.bindings.function(file, node)
        users = self.users_of(function) if function is not None else []
        name = literal(node.args[0])
        found = []
        for user in users:
            listed = [*user.function.decorator_list, *(user.owner.decorator_list if user.owner else ())]
            texts = (each.value for one in listed for each in ast.walk(one) if isinstance(each, ast.Constant))
            names = [name] if name is not None else [each for each in texts if isinstance(each, str)]
            found += [self.suite.find(each, user.file, user.owner) for each in names]
        return [each for each in found if each is not None]

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
            is_parameter = not isinstance(scope, ast.ClassDef) and name in all_parameters(scope)
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

    def entered(self, kinds: Kinds) -> Kinds:
        """Return what entering a value gives."""
        found: list[Kinds] = []
        for each in kinds:
            if isinstance(each, Client | Stack):
                found.append(frozenset({each}))
            elif isinstance(each, Opening):
                found.append(frozenset({Opened(each.of)}))
            elif isinstance(each, Produced) and each.is_entered:
                found.append(self.returned(each.function))
            elif isinstance(each, Object) and each.is_made:
                methods = self.methods(each.file, each.definition, "__enter__")
                found += [self.returned(method) for _, method in methods]
        return union(found)

    def each(self, kinds: Kinds) -> Kinds:
        """Return what iterating over a value gives."""
        produced = [each for each in kinds if isinstance(each, Produced) and not each.is_entered]
        return item(self._as_rows(kinds)) | union(self.returned(each.function) for each in produced)

    def _as_rows(self, kinds: Kinds) -> Kinds:
        """Return kinds with the fields of named tuples as the items that they are as well."""
        objects = [each for each in kinds if isinstance(each, Object) and each.is_made]
        named = [
            each.definition
            for each in objects
            if any(last_name(base) == "NamedTuple" for base in each.definition.bases)
        ]
        rows = (
            row(
                self._read("attribute", definition, line.target.id)
                for line in definition.body
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
            )
            for definition in named
        )
        return kinds | union(rows)

    def _awaited(self, kinds: Kinds) -> Kinds:
        waited = [each for each in kinds if isinstance(each, Awaitable)]
        return union(self.returned(each.function) for each in waited)

    def _parameter(self, file: Path, function: Function, name: str) -> Kinds:
        found = self.given(function, name)
        arguments = function.args
        owner = self.bindings.owner(file, function)
        if owner is not None and not isinstance(function, ast.Lambda) and name == _first(function):
            names = {last_name(each) for each in function.decorator_list}
            if "staticmethod" not in names:
                return self._self(file, owner, is_made="classmethod" not in names) | found
        for user in self.users_of(function):
            found |= self._injected(user, name)
        pairs = parameters(function)
        if name in pairs:
            default = pairs[name][1]
            return found | (self.of(file, default) if default is not None else NOTHING)
        if arguments.vararg is not None and arguments.vararg.arg == name:
            return found
        return found

    def _self(self, file: Path, owner: ast.ClassDef, *, is_made: bool) -> Kinds:
        if self.is_client_class(file, owner):
            return frozenset({Client(owner)})
        return frozenset({Object(file, owner, is_made)})

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

    def _member(self, file: Path, node: ast.Attribute, kind: Kind) -> Kinds:
        name = node.attr
        found: Kind | None = None
        match kind:
            case Client(definition):
                if name in REQUESTS or name in OPENS or name in ENDS:
                    found = Method("client", name)
                elif name == "portal":
                    found = Portal()
                elif definition is not None:
                    return self._of_object(Object(file, definition), name)
            case Opened("websocket") if name in SESSION_METHODS or name in SESSION_ENDS:
                found = Method("websocket", name)
            case Opened("stream") if name in STREAM_READS or name in STREAM_ITERATORS:
                found = Method("stream", name)
            case Portal():
                found = Method("portal", name)
            case Stack() if name == "enter_context":
                found = Method("stack", name)
            case Request() if name == "getfixturevalue":
                found = Method("request", name)
            case Request() if name == "param":
                return self._parameters_of_fixture(file, node)
            case Object():
                return self._of_object(kind, name)
        return frozenset({found}) if found is not None else NOTHING

    def _parameters_of_fixture(self, file: Path, node: ast.AST) -> Kinds:
        function = self.bindings.function(file, node)
        users = self.users_of(function) if function is not None else []
        listed = [user.argument("params") for user in users if isinstance(user, Fixture)]
        return union(self.each(self.of(file, each)) for each in listed if each is not None)

    def _of_object(self, kind: Object, name: str) -> Kinds:
        found: list[Kinds] = []
        for each in self.family(kind.file, kind.definition):
            found.append(self._read("attribute", each.definition, name))
        for file, method in self.methods(kind.file, kind.definition, name):
            is_property = any(each.rpartition(".")[2] in PROPERTIES for each in self.decorators(file, method))
            if is_property:
                found.append(self.returned(method))
            else:
                owner = kind.definition if kind.is_made or self._is_static(method) else None
                found.append(frozenset({Made(file, method, owner)}))
        return union(found)

    @staticmethod
    def _is_static(function: Function) -> bool:
        listed = [] if isinstance(function, ast.Lambda) else function.decorator_list
        return any(last_name(each) == "classmethod" for each in listed)

    def _subscript(self, file: Path, node: ast.Subscript) -> Kinds:
        kinds = self.of(file, node.value)
        if kinds and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            return item_at(self._as_rows(kinds), node.slice.value)
        if kinds and isinstance(node.slice, ast.Slice):
            return many(item(kinds))
        return item(kinds)

    def _call(self, file: Path, node: ast.Call) -> Kinds:
        called = self.of(file, node.func)
        if called:
            return union(self._result(file, node, each) for each in called)
        name = foreign(file, node.func, self.symbols)
        if name in STACKS:
            return frozenset({Stack(node)})
        return self._of_foreign(file, node, name)

    def _result(self, file: Path, node: ast.Call, kind: Kind) -> Kinds:
        match kind:
            case ClientClass(definition):
                return frozenset({Client(definition)})
            case Method("client", name) if name in OPENS:
                return frozenset({Opening(OPENS[name])})
            case Method("client", "__enter__"):
                return self.of(file, node.func.value) if isinstance(node.func, ast.Attribute) else NOTHING
            case Method("websocket", "__enter__"):
                return frozenset({Opened("websocket")})
            case Method("stack", _) if node.args:
                return self.entered(self.of(file, node.args[0]))
            case Method("request", _) if node.args:
                return self._fixture_value(file, node)
            case Made():
                return self._made(kind)
            case Object(is_made=False):
                return frozenset({Object(kind.file, kind.definition)})
            case Object():
                methods = self.methods(kind.file, kind.definition, "__call__")
                return union(self._made(Made(where, method)) for where, method in methods)
        return NOTHING

    def _made(self, kind: Made) -> Kinds:
        function = kind.function
        if isinstance(function, ast.Lambda):
            return self.of(kind.file, function.body)
        if self.is_manager(kind.file, function):
            return frozenset({Produced(kind.file, function, is_entered=True)})
        if self.is_generator(function):
            return frozenset({Produced(kind.file, function)})
        if isinstance(function, ast.AsyncFunctionDef):
            return frozenset({Awaitable(kind.file, function)})
        return self.returned(function)

    def _fixture_value(self, file: Path, node: ast.Call) -> Kinds:
        return union(self.returned(each.function) for each in self.fixtures_asked_for(file, node))

    def _of_foreign(self, file: Path, node: ast.Call, name: str) -> Kinds:
        first = self.of(file, node.args[0]) if node.args else NOTHING
        last = name.rpartition(".")[2]
        if name in PARTIALS:
            return frozenset(
                Made(each.file, each.function, each.owner, each.given + len(node.args) - 1)
                if isinstance(each, Made)
                else each
                for each in first
            )
        if name in PASSES_ON and node.args:
            return self.of(file, node.args[-1 if last == "cast" else 0])
        if last in COLLECTS:
            return many(self.each(first))
        if name == "next":
            return self.each(first)
        if name == "super":
            return self._above(file, node)
        if name == "getattr" and len(node.args) > 1:
            return self._by_name(file, node, first)
        if name == "enumerate":
            return many(row([NOTHING, self.each(first)]))
        if name == "zip":
            return many(row(self.each(self.of(file, each)) for each in node.args))
        if name == "dict":
            return many(union(self.of(file, each.value) for each in node.keywords)) | first
        if name == "pytest.param":
            items = [self.of(file, each) for each in node.args]
            return items[0] if len(items) == 1 else row(items)
        if last in ("Client", "AsyncClient", "Session"):
            return frozenset({Other()})
        return self._of_collection(file, node)

    def _above(self, file: Path, node: ast.Call) -> Kinds:
        """Return what ``super()`` is."""
        function = self.bindings.function(file, node)
        owner = self.bindings.owner(file, function) if function is not None else None
        if owner is None:
            return NOTHING
        above = list(lineage_of(Class(file, owner), self.symbols))[1:]
        if above:
            return self._self(above[0].file, above[0].definition, is_made=True)
        return frozenset({Client()}) if owner in self._clients else NOTHING

    def _of_collection(self, file: Path, node: ast.Call) -> Kinds:
        if not isinstance(node.func, ast.Attribute):
            return NOTHING
        held = self.of(file, node.func.value)
        if not any(isinstance(each, Many | Row) for each in held):
            return NOTHING
        if node.func.attr in ("get", "pop", "setdefault"):
            return item(held)
        if node.func.attr == "values":
            return many(item(held))
        if node.func.attr == "items":
            return many(row([NOTHING, item(held)]))
        return held if node.func.attr == "copy" else NOTHING

    def _by_name(self, file: Path, node: ast.Call, of: Kinds) -> Kinds:
        name = literal(node.args[1])
        if name is not None:
            attribute = ast.Attribute(node.args[0], name, ast.Load())
            return union(self._member(file, attribute, each) for each in of)
        return frozenset({Method("client", "") for each in of if isinstance(each, Client)})

    def _read(self, *key: object) -> Kinds:
        """Return what is known of a name, an attribute, a parameter or a result."""
        return self._known.get(key, NOTHING)


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
