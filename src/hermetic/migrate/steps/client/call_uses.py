"""The calls of clients, of what they open, and of functions that may become async: each with its rewrite."""

from __future__ import annotations

import ast

from hermetic.causes import migration
from hermetic.migrate.steps.client.kinds import (
    ENDS,
    NO_TARGETS,
    OPENS,
    REQUESTS,
    SESSION_ENDS,
    SESSION_METHODS,
    STREAM_ITERATORS,
    STREAM_READS,
    Client,
    ClientClass,
    Made,
    Method,
    Object,
    Opening,
    Other,
    Stack,
)
from hermetic.migrate.steps.client.names import foreign
from hermetic.migrate.steps.client.recording import CONSUMERS, Recorder
from hermetic.source.syntax import last_name, literal

METHODS = REQUESTS | SESSION_METHODS | {""}
"""Those that are called the same."""


class CallUses(Recorder):
    """Adds the calls of a module."""

    def _called(self, node: ast.Call) -> None:
        kinds = self._values.of(self._file, node.func)
        if not kinds:
            self._sleeps(node)
            return
        made = [each for each in kinds if isinstance(each, Made)]
        methods = [each for each in kinds if isinstance(each, Method)]
        for method in methods:
            self._method(node, method)
        functions = frozenset(each.function for each in made)
        if methods and functions:
            self._stop(
                migration.MIXED, node, f"`{ast.unparse(node.func)}` is a client's method, or a function"
            )
        for each in made:
            self._found.needs[self.unit(node)].add(self._values.unit(each.file, each.function))
        plain = [each for each in made if self._gives_a_result(each)]
        if plain:
            self._add("await", node, frozenset(each.function for each in plain))
        for kind in kinds:
            if isinstance(kind, Object) and kind.is_made:
                found = self._values.methods(kind.file, kind.definition, "__call__")
                targets = frozenset(method for _, method in found if isinstance(method, ast.FunctionDef))
                if targets:
                    self._add("await", node, targets)
            if isinstance(kind, Object) and not kind.is_made:
                for file, function in self._values.methods(kind.file, kind.definition, "__init__"):
                    self._found.needs[self.unit(node)].add(self._values.unit(file, function))
            if isinstance(kind, ClientClass):
                self._constructed(node)
            if isinstance(kind, Other) and any(isinstance(each, Client) for each in kinds):
                self._stop(migration.MIXED, node, "this is TestClient, or another library's client")

    def _gives_a_result(self, made: Made) -> bool:
        """Whether a call of a function gives its result, and not a generator, a context manager or a coroutine."""
        function = made.function
        if isinstance(function, ast.AsyncFunctionDef) or self._values.is_generator(function):
            return False
        return not self._values.is_manager(made.file, function)

    def _constructed(self, node: ast.Call) -> None:
        for word in node.keywords:
            if word.arg == "backend" and literal(word.value) == "asyncio" and node.args:
                self._add("drop", word)
            elif word.arg in ("backend", "backend_options"):
                text = f"`{word.arg}=` is an argument that only TestClient has"
                self._stop(migration.OF_TEST_CLIENT_ALONE, node, text)
        if len(node.args) > 4:
            self._stop(migration.OF_TEST_CLIENT_ALONE, node, "TestClient is given its backend")

    def _sleeps(self, node: ast.Call) -> None:
        """See to ``time.sleep``, which would stop the application too once they share a loop."""
        if last_name(node.func) == "sleep" and foreign(self._file, node.func, self._symbols) == "time.sleep":
            function = self._values.bindings.function(self._file, node)
            if isinstance(function, ast.FunctionDef):
                self._add("sleep", node, frozenset({function}))

    def _method(self, node: ast.Call, method: Method) -> None:
        match method:
            case Method("client", name) if name in OPENS or isinstance(self._parents.get(node), ast.Await):
                pass  # what is awaited as it is, is asked of an asynchronous client that has the same name
            case Method("client" | "websocket" | "stream") if method.name not in METHODS and not isinstance(
                node.func, ast.Attribute
            ):
                text = f"`{ast.unparse(node)}` calls `{method.name}` by another name"
                self._stop(migration.CANNOT_BE_REWRITTEN, node, text)
            case Method("client", name):
                self._mixed(node)
                self._add("await", node, new=ENDS.get(name, ""))
            case Method("websocket", name):
                self._add("await", node, new=SESSION_ENDS.get(name, ""))
            case Method("stream", name) if name in STREAM_READS:
                self._add("await", node, new=STREAM_READS[name])
            case Method("stream", name):
                self._stream(node, STREAM_ITERATORS[name])
            case Method("portal", "call") if node.args:
                self._portal(node)
            case Method("portal", name):
                self._stop(
                    migration.OF_TEST_CLIENT_ALONE,
                    node,
                    f"`client.portal.{name}` belongs to TestClient's thread",
                )
            case Method("stack", _) if node.args:
                self._stacked(node)
            case Method("request", _):
                self._by_fixture_name(node)

    def _mixed(self, node: ast.Call) -> None:
        of = (
            self._values.of(self._file, node.func.value)
            if isinstance(node.func, ast.Attribute)
            else frozenset()
        )
        if any(isinstance(each, Other) for each in of):
            self._stop(
                migration.MIXED, node, f"`{ast.unparse(node.func)}` is TestClient's, or another library's"
            )

    def _stream(self, node: ast.Call, new: str) -> None:
        self._add("rename", node, new=new)
        outer = self._parents.get(node)
        if isinstance(outer, ast.For | ast.comprehension):
            self._add("iterate", outer)
        elif isinstance(outer, ast.Call) and last_name(outer.func) in CONSUMERS:
            self._add("collect", node)
        elif isinstance(outer, ast.Call) and last_name(outer.func) == "next" and len(outer.args) == 1:
            self._add("next", outer)
        else:
            self._stop(
                migration.CANNOT_BE_REWRITTEN,
                node,
                f"`{ast.unparse(node)}` is not iterated over where it stands",
            )

    def _portal(self, node: ast.Call) -> None:
        called = self._values.of(self._file, node.args[0])
        reference = self._symbols.resolve(self._file, node.args[0])
        definition = self._symbols.definition(reference)
        functions = [each.function for each in called if isinstance(each, Made)]
        if isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.append(definition)
        if functions and not any(isinstance(each, ast.AsyncFunctionDef) for each in functions):
            self._add("portal", node, new="plain")
            return
        if not functions:
            self._found.review.append(
                (self.unit(node), node.lineno, f"`{ast.unparse(node)}` is awaited: is it async?")
            )
        self._add("portal", node)

    def _stacked(self, node: ast.Call) -> None:
        assert isinstance(node.func, ast.Attribute)
        stacks = frozenset(
            each for each in self._values.of(self._file, node.func.value) if isinstance(each, Stack)
        )
        entered = self._values.of(self._file, node.args[0])
        targets = self._managers(entered)
        if any(isinstance(each, Client | Opening) for each in entered):
            targets = NO_TARGETS
        elif not targets:
            return
        self._add("await", node, targets, "enter_async_context")
        for stack in stacks:
            made = self._symbols.sources.modules[stack.file].nodes[stack.place]
            place = Recorder(self._values, stack.file, self._found)
            place._add("rename", made, frozenset({stack}), "AsyncExitStack")
            self._found.follow[stack].append(targets)

    def _by_fixture_name(self, node: ast.Call) -> None:
        fixtures = self._values.fixtures_asked_for(self._file, node) if node.args else []
        for fixture in fixtures:
            self._found.asks[self.unit(node)].add(self._values.unit(fixture.file, fixture.function))
            text = f"the fixture `{fixture.name}` is asked for by `getfixturevalue`, which cannot await it"
            self._stop(migration.BY_NAME, node, text, frozenset({fixture.function}))
