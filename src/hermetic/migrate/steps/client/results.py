"""What comes of a value of a suite: its attributes, its items, and what it gives where it is called or entered."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
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
    foreign,
)
from hermetic.migrate.steps.client.suite_facts import Facts
from hermetic.source.bindings import Function
from hermetic.source.fixtures import Fixture, Suite
from hermetic.source.symbols import Class, Symbols, lineage_of
from hermetic.source.syntax import last_name, literal

Key = tuple[object, ...]


class Results(Facts, ABC):
    """Tells what comes of a value, by what is known of attributes and of what functions return.

    Args:
        symbols: The project's names.
        suite: Its fixtures and tests.
    """

    def __init__(self, symbols: Symbols, suite: Suite) -> None:
        super().__init__(symbols, suite)
        self._known: dict[Key, Kinds] = {}

    @abstractmethod
    def of(self, file: Path, node: ast.AST) -> Kinds:
        """Return what an expression of a file can be."""

    def returned(self, function: Function) -> Kinds:
        """Return what a function returns, or yields."""
        return self._read("return", function)

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
                    return self._of_object(Object(file, definition), node)
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
                return self._of_object(kind, node)
        return frozenset({found}) if found is not None else NOTHING

    def _parameters_of_fixture(self, file: Path, node: ast.AST) -> Kinds:
        function = self.bindings.function(file, node)
        users = self.users_of(function) if function is not None else []
        listed = [user.argument("params") for user in users if isinstance(user, Fixture)]
        return union(self.each(self.of(file, each)) for each in listed if each is not None)

    def _of_object(self, kind: Object, node: ast.Attribute) -> Kinds:
        found, name = list[Kinds](), node.attr
        for each in self.family(kind.file, kind.definition):
            found.append(self._read("attribute", each.definition, name))
        for file, method in self.methods(kind.file, kind.definition, name):
            is_property = any(each.rpartition(".")[2] in PROPERTIES for each in self.decorators(file, method))
            if is_property:
                found.append(self.returned(method))
            else:
                owner = kind.definition if self._is_bound(kind, method) else None
                found.append(frozenset({Made(file, method, owner)}))
        return union(found) or self._passed_on(kind, node)

    def _passed_on(self, kind: Object, node: ast.Attribute) -> Kinds:
        """Return an attribute that an object has not itself, where its class passes it on to a client."""
        if node.attr.startswith("__") or not kind.is_made:
            return NOTHING
        methods = self.methods(kind.file, kind.definition, "__getattr__")
        given = union(self.returned(method) for _, method in methods)
        is_of_client = Method("client", "") in given
        return union(self._member(file, node, Client()) for file, _ in methods if is_of_client)

    @staticmethod
    def _is_bound(kind: Object, function: Function) -> bool:
        """Whether a method has its first argument already where it is had from an object, or from a class."""
        listed = [] if isinstance(function, ast.Lambda) else function.decorator_list
        names = {last_name(each) for each in listed}
        return "classmethod" in names or (kind.is_made and "staticmethod" not in names)

    def _call(self, file: Path, node: ast.Call) -> Kinds:
        called = self.of(file, node.func)
        if called:
            return union(self._result(file, node, each) for each in called)
        name = foreign(file, node.func, self.symbols)
        if name in STACKS:
            return frozenset({Stack(file, self.place(file, node))})
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

    def _self(self, file: Path, owner: ast.ClassDef, *, is_made: bool) -> Kinds:
        if self.is_client_class(file, owner):
            return frozenset({Client(owner)})
        return frozenset({Object(file, owner, is_made)})

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
