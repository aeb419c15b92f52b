"""Where clients, and what comes of them, go in a module: into names, calls, loops, blocks, or out of sight."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from hermetic.causes import migration
from hermetic.migrate.steps.client.call_uses import CallUses
from hermetic.migrate.steps.client.expressions import WITH_KINDS
from hermetic.migrate.steps.client.kinds import (
    ENDS,
    OPENS,
    REQUESTS,
    Client,
    ClientClass,
    Kinds,
    Made,
    Many,
    Method,
    Object,
    Opening,
    Produced,
    Row,
    Stack,
    Targets,
    bears,
)
from hermetic.migrate.steps.client.names import (
    COLLECTS,
    LOOKING_METHODS,
    LOOKS,
    OTHERS,
    PARTIALS,
    PASSES_ON,
    THREADS,
    foreign,
)
from hermetic.migrate.steps.client.recording import CONSUMERS, short
from hermetic.migrate.steps.client.uses import Uses
from hermetic.migrate.steps.client.values import Values
from hermetic.source.bindings import FUNCTIONS, Function
from hermetic.source.syntax import last_name, literal

NAMED = re.compile(r"[\w.\[\], |]*[A-Z][\w.\[\], |]*")
"""What an annotation in quotes may be that names a class."""

SET_UPS = frozenset(
    f"{when}_{what}" for when in ("setup", "teardown") for what in ("method", "class", "module", "function")
) | {"setup", "teardown", "setUp", "tearDown", "setUpClass", "tearDownClass", "setUpModule", "tearDownModule"}
"""What pytest and unittest call around tests."""

OWN_OF_TEST_CLIENT = frozenset(
    {"task", "exit_stack", "stream_send", "stream_receive", "wait_startup", "wait_shutdown", "async_backend"}
    | {"_transport", "_portal_factory", "backend", "backend_options"}
)

FLOWS = (
    ast.Return,
    ast.Yield,
    ast.IfExp,
    ast.BoolOp,
    ast.NamedExpr,
    ast.Tuple,
    ast.List,
    ast.Set,
    ast.Dict,
    ast.Starred,
    ast.Compare,
    ast.Assert,
    ast.UnaryOp,
    ast.Expr,
    ast.FormattedValue,
    ast.arguments,
    ast.If,
    ast.While,
    ast.Await,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.comprehension,
    ast.Delete,
    ast.MatchValue,
    ast.Match,
)
"""Where a value goes on as it is, is looked at, or is dropped."""


class Reading:
    """Reads the modules of a suite, each once the kinds of its values are known.

    Args:
        values: The kinds of the suite's values.
    """

    def __init__(self, values: Values) -> None:
        self._values = values
        self._of: dict[Path, Uses] = {}

    def read(self, words: Iterable[str] = ()) -> bool:
        """Read what has something to do with clients, or with some words; return whether there is anything new."""
        known = self._values.growth, len(self._values.looked_at)
        self._values.solve(self._read, words)
        return (self._values.growth, len(self._values.looked_at)) != known

    def _read(self, file: Path) -> None:
        self._of[file] = Uses()
        _Reader(self._values, file, self._of[file]).read()

    def uses(self) -> Uses:
        """Return what is done with clients."""
        whole = Uses()
        for each in (self._of[file] for file in self._values.looked_at):
            whole.add(each)
            for unit, named in each.named.items():
                whole.needs[unit] |= {used for used in named if used.file in self._values.looked_at}
            for unit, stored in each.stored.items():
                whole.needs[unit].update(*(self._values.stores.get(store, ()) for store in stored))
        return whole


class _Reader(CallUses):
    """Reads one module."""

    def read(self) -> None:
        """Add the uses of the module."""
        for node in self._module.nodes:
            if type(node) in WITH_KINDS:
                self._expression(cast(ast.expr, node))
            elif isinstance(node, ast.Constant):
                self._annotation(node)
            if isinstance(node, ast.YieldFrom):
                self._yielded_from(node)
            elif isinstance(node, ast.ClassDef) and self._values.is_client_class(self._file, node):
                self._client_class(node)
            elif isinstance(node, ast.ClassDef | ast.Module):
                self._set_up(node)
            elif isinstance(node, FUNCTIONS):
                self._defined(node)

    def _defined(self, function: Function) -> None:
        """Have what will be asked of a function known, while its file is there."""
        self._values.unit(self._file, function)
        self._values.bindings.owner(self._file, function)
        self._values.is_generator(function)

    def _expression(self, node: ast.expr) -> None:
        if isinstance(node, ast.Call):
            self._called(node)
        kinds = self._values.of(self._file, node)
        if not kinds:
            self._unknown(node)
            if isinstance(node, ast.Attribute):
                self._needs(node, kinds)
            return
        self._needs(node, kinds)
        if isinstance(node, ast.Name | ast.Attribute) and any(
            isinstance(each, ClientClass) for each in kinds
        ):
            self._class_name(node, kinds)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            self._attribute(node)
        if not isinstance(getattr(node, "ctx", None), ast.Load | None):
            return
        self._goes(node, kinds)

    def _unknown(self, node: ast.expr) -> None:
        """See to names that are no value: of the class of sessions, in annotations."""
        if last_name(node).startswith("WebSocket"):
            new = OTHERS.get(foreign(self._file, node, self._symbols), "")
            if new:
                self._add("session", node, new=new)

    def _class_name(self, node: ast.Name | ast.Attribute, kinds: Kinds) -> None:
        """A name of ``TestClient`` itself becomes that of the asynchronous one; a subclass keeps its name."""
        if ClientClass() in kinds and self._is_the_class(node):
            self._add("client", node)

    def _is_the_class(self, node: ast.expr) -> bool:
        return foreign(self._file, node, self._symbols).endswith(".TestClient")

    def _annotation(self, node: ast.Constant) -> None:
        """See to ``"TestClient"``, an annotation in quotes."""
        text = node.value
        if not isinstance(text, str) or not NAMED.fullmatch(text) or not self._is_annotation(node):
            return
        try:
            tree = ast.parse(text, mode="eval")
        except SyntaxError:
            return
        for each in ast.walk(tree):
            if isinstance(each, ast.Name | ast.Attribute) and self._is_the_class(each):
                self._add("client", node, new=ast.unparse(each))

    def _is_annotation(self, node: ast.AST) -> bool:
        inner = node
        for outer in self._values.bindings.around(self._file, node):
            if isinstance(outer, ast.arg | ast.AnnAssign) and outer.annotation is inner:
                return True
            if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
                return outer.returns is inner
            if not isinstance(outer, ast.expr):
                return False
            inner = outer
        return False

    def _attribute(self, node: ast.Attribute) -> None:
        of = self._values.of(self._file, node.value)
        if any(isinstance(each, Client) for each in of) and node.attr in OWN_OF_TEST_CLIENT:
            self._stop(
                migration.OF_TEST_CLIENT_ALONE,
                node,
                f"`{ast.unparse(node)}` is something that only TestClient has",
            )

    def _goes(self, node: ast.expr, kinds: Kinds) -> None:
        """See where a value goes."""
        outer = self._parents.get(node)
        if isinstance(outer, ast.Call) and outer.func is node:
            return  # seen to by ``_called``
        if isinstance(outer, ast.keyword):
            outer = self._parents.get(outer)
        if isinstance(outer, ast.withitem):
            self._entered(node, kinds, outer)
        elif isinstance(outer, ast.For | ast.comprehension) and outer.iter is node:
            self._iterated(node, kinds, outer)
        elif isinstance(outer, ast.YieldFrom):
            pass  # seen to by itself
        elif isinstance(outer, ast.Call):
            self._argument(node, kinds, outer)
        elif isinstance(outer, ast.Assign | ast.AnnAssign):
            self._assigned(node, kinds, outer)
        elif isinstance(outer, ast.Expr) and any(isinstance(each, Opening) for each in kinds):
            self._stop(
                migration.CANNOT_BE_REWRITTEN, node, f"`{ast.unparse(node)}` is opened and not entered"
            )
        elif isinstance(outer, ast.Attribute):
            self._of_attribute(node, kinds, outer)
        elif isinstance(outer, ast.Lambda):
            self._give_away(node, kinds, migration.IN_A_LAMBDA, "is the result of a lambda")
        elif isinstance(outer, ast.Subscript) and outer.value is node:
            self._only_collections(node, kinds)
        elif isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.arg):
            self._in_a_header(node, kinds, outer)
        elif not isinstance(outer, FLOWS) and not self._is_annotation(node):
            self._give_away(
                node, kinds, migration.CANNOT_BE_REWRITTEN, "is used in a form that has no rewrite"
            )

    def _in_a_header(self, node: ast.expr, kinds: Kinds, outer: ast.AST) -> None:
        """See to decorators: a function of the project that becomes async cannot be one."""
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef) and node in outer.decorator_list:
            self._give_away(node, kinds, migration.UNKNOWN_DECORATOR, "is a decorator")

    def _of_attribute(self, node: ast.expr, kinds: Kinds, outer: ast.Attribute) -> None:
        if any(isinstance(each, Opening) for each in kinds):
            self._stop(
                migration.CANNOT_BE_REWRITTEN, node, f"`{ast.unparse(outer)}` is used before it is entered"
            )
        self._only_collections(node, frozenset(each for each in kinds if isinstance(each, Produced)))

    def _only_collections(self, node: ast.expr, kinds: Kinds) -> None:
        others = frozenset(each for each in kinds if not isinstance(each, Many | Row | Object | Made))
        if others:
            self._give_away(
                node, others, migration.CANNOT_BE_REWRITTEN, "is used in a form that has no rewrite"
            )

    def _entered(self, node: ast.expr, kinds: Kinds, outer: ast.withitem) -> None:
        statement = self._parents[outer]
        if isinstance(statement, ast.AsyncWith) or outer.optional_vars is node:
            return
        targets = self._managers(kinds) | {each for each in kinds if isinstance(each, Stack)}
        if any(isinstance(each, Client | Opening) for each in kinds):
            self._add("enter", outer)
        elif targets:
            self._add("enter", outer, frozenset(targets))
        for each in kinds:
            if isinstance(each, Object) and each.is_made:
                found = self._values.methods(each.file, each.definition, "__enter__")
                for _, method in found:
                    self._found.needs[self.unit(node)].add(self._values.unit(each.file, method))

    def _iterated(self, node: ast.expr, kinds: Kinds, outer: ast.For | ast.comprehension) -> None:
        targets = self._generators(kinds)
        if targets and not (isinstance(outer, ast.comprehension) and outer.is_async):
            self._add("iterate", outer, targets)

    def _yielded_from(self, node: ast.YieldFrom) -> None:
        """See to a ``yield from``: no async generator can have one, whatever it gives."""
        function = self._values.bindings.function(self._file, node)
        if isinstance(function, ast.FunctionDef):
            self._add(
                "yield from", node, self._generators(self._values.of(self._file, node.value)) | {function}
            )

    def _assigned(self, node: ast.expr, kinds: Kinds, outer: ast.Assign | ast.AnnAssign) -> None:
        if node is not outer.value:
            return
        for target in outer.targets if isinstance(outer, ast.Assign) else [outer.target]:
            if isinstance(target, ast.Attribute):
                of = self._values.of(self._file, target.value)
                if not any(isinstance(each, Object) for each in of):
                    self._give_away(
                        node, kinds, migration.GIVEN_AWAY, f"is stored in `{ast.unparse(target)}`"
                    )
            elif isinstance(target, ast.Subscript) and not isinstance(target.value, ast.Name):
                self._give_away(node, kinds, migration.GIVEN_AWAY, f"is stored in `{ast.unparse(target)}`")

    def _argument(self, node: ast.expr, kinds: Kinds, outer: ast.Call) -> None:
        called = self._values.of(self._file, outer.func)
        if any(isinstance(each, Made | Object | ClientClass) for each in called):
            return self._passed(node, kinds, outer, called)
        if any(isinstance(each, Method) and each.of in ("portal", "stack", "request") for each in called):
            return None
        name = foreign(self._file, outer.func, self._symbols)
        last = name.rpartition(".")[2] or last_name(outer.func)
        if targets := self._generators(kinds):
            return self._consumed(node, outer, last, targets)
        if last in ("setattr", "object") and self._replaces_a_method(outer):
            return self._give_away(
                node, kinds, migration.GIVEN_AWAY, f"gets another method by `{short(outer)}`"
            )
        if (
            name in PARTIALS
            or name in PASSES_ON
            or last in LOOKS
            or last in COLLECTS | {"enumerate", "zip", "dict", "next"}
        ):
            return None
        if name == "getattr" or (
            isinstance(outer.func, ast.Attribute) and last_name(outer.func) in LOOKING_METHODS
        ):
            return None
        if isinstance(node, ast.GeneratorExp) and last in CONSUMERS:
            return None
        is_threads = last in THREADS or last_name(outer.func) in THREADS
        cause = migration.IN_ANOTHER_THREAD if is_threads else migration.GIVEN_AWAY
        return self._give_away(node, kinds, cause, f"is given to `{ast.unparse(outer.func)}`")

    @staticmethod
    def _replaces_a_method(call: ast.Call) -> bool:
        """Whether a call gives a client a method of the suite's own; a mock that ``patch`` makes can be awaited."""
        is_given = last_name(call.func) == "setattr" or len(call.args) > 2
        is_given |= any(word.arg == "new" for word in call.keywords)
        return is_given and not {literal(each) for each in call.args}.isdisjoint(REQUESTS | OPENS.keys())

    def _consumed(self, node: ast.expr, outer: ast.Call, name: str, targets: Targets) -> None:
        if name == "next" and len(outer.args) == 1:
            self._add("next", outer, targets)
        elif name in CONSUMERS:
            self._add("collect", node, targets)
        else:
            text = f"`{ast.unparse(node)}` is given to `{ast.unparse(outer.func)}`"
            self._stop(migration.GIVEN_AWAY, node, text, targets)

    def _passed(self, node: ast.expr, kinds: Kinds, outer: ast.Call, called: Kinds) -> None:
        """See to what is given to a function of the project: if that can be looked into, its parameters have it."""
        for each in called:
            if isinstance(each, Made) and not self._is_ours(each.file) and bears(kinds):
                name = "a lambda" if isinstance(each.function, ast.Lambda) else f"`{each.function.name}`"
                self._stop(
                    migration.NOT_OF_THE_TESTS,
                    node,
                    f"the client is given to {name}, which is outside the tests",
                )
            elif isinstance(each, Object) and not self._is_ours(each.file) and bears(kinds):
                name = each.definition.name
                self._stop(
                    migration.NOT_OF_THE_TESTS,
                    node,
                    f"the client is given to `{name}`, which is outside the tests",
                )
        keyword = self._parents.get(node)
        if isinstance(keyword, ast.keyword) and keyword.arg is None:
            self._give_away(node, kinds, migration.CANNOT_BE_REWRITTEN, "is unpacked into arguments")

    def _set_up(self, node: ast.ClassDef | ast.Module) -> None:
        """Note that the tests of a class, or of a module, need what sets them up."""
        functions = [each for each in node.body if isinstance(each, ast.FunctionDef)]
        before = [each for each in functions if each.name in SET_UPS]
        tests = [each for each in functions if each.name.startswith("test")] if before else []
        for test in tests:
            self._found.needs[self.unit(test)] |= {self.unit(each) for each in before}

    def _client_class(self, node: ast.ClassDef) -> None:
        """See to a class that inherits from ``TestClient``: what it overrides becomes async."""
        for line in node.body:
            if isinstance(line, ast.FunctionDef) and (line.name in OPENS or line.name in ENDS):
                text = f"`{node.name}` overrides `{line.name}` of TestClient"
                self._stop(migration.CANNOT_BE_REWRITTEN, line, text)
            elif isinstance(line, ast.FunctionDef) and line.name in (
                "get", "options", "head", "post", "put", "patch", "delete", "request", "send"
            ):  # fmt: skip
                self._found.forced.add(line)
