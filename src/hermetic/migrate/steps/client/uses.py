"""What is done with clients, and with what comes of them: each use is one that has a rewrite, or stands in the way.

No use is passed over: a client that goes where its calls cannot be followed might be called there without ``await``,
and a test that awaits nothing passes. Functions count as well: what becomes a coroutine function must be awaited
wherever it is called, so a function that is given away stands in the way if it becomes one.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from hermetic.causes import Cause, migration
from hermetic.migrate.steps.client.kinds import (
    ENDS,
    OPENS,
    REQUESTS,
    SESSION_ENDS,
    SESSION_METHODS,
    STREAM_ITERATORS,
    STREAM_READS,
    Client,
    ClientClass,
    Function,
    Kinds,
    Made,
    Many,
    Method,
    Object,
    Opening,
    Other,
    Produced,
    Row,
    Stack,
    bears,
)
from hermetic.migrate.steps.client.names import COLLECTS, OTHERS, PARTIALS, PASSES_ON, foreign
from hermetic.migrate.steps.client.values import WITH_KINDS, Values
from hermetic.source.bindings import FUNCTIONS
from hermetic.source.syntax import last_name, literal

Form = Literal[
    "await",
    "client",
    "collect",
    "drop",
    "enter",
    "iterate",
    "next",
    "portal",
    "rename",
    "session",
    "sleep",
    "yield from",
]
NAMED = re.compile(r"[\w.\[\], |]*[A-Z][\w.\[\], |]*")
"""What an annotation in quotes may be that names a class."""
CONSUMERS = frozenset(
    {"all", "any", "list", "set", "tuple", "sorted", "sum", "min", "max", "dict", "frozenset", "join"}
)
LOOKS = frozenset(
    {
        "isinstance",
        "issubclass",
        "setattr",
        "hasattr",
        "id",
        "type",
        "print",
        "repr",
        "str",
        "len",
        "bool",
        "vars",
    }
    | {"dir", "callable", "unittest.mock.patch.object", "object", "pytest.param", "super", "delattr"}
)
"""What is given a client, and calls none of its methods."""
LOOKING_METHODS = frozenset(
    {"setattr", "delattr", "object", "append", "add", "appendleft", "param", "parametrize"}
)
"""Methods of pytest's and mock's that do no more."""
THREADS = frozenset(
    {"Thread", "Timer", "Process", "submit", "map", "starmap", "run_in_executor", "to_thread", "apply_async"}
    | {"benchmark", "pedantic", "run_sync", "run_in_threadpool"}
)
SET_UPS = frozenset(
    f"{when}_{what}" for when in ("setup", "teardown") for what in ("method", "class", "module", "function")
) | {"setup", "teardown", "setUp", "tearDown", "setUpClass", "tearDownClass", "setUpModule", "tearDownModule"}
"""What pytest and unittest call around tests."""
METHODS = REQUESTS | SESSION_METHODS | {""}
"""Those that are called the same."""
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


@dataclass(frozen=True)
class Unit:
    """What is converted as a whole: a function with all inside, a class of clients, a name, or the rest of a module.

    Attributes:
        file: The file.
        node: The outermost function, or the class; None for the others.
        name: The name of a module; empty for the rest.
    """

    file: Path
    node: ast.AST | None = None
    name: str = ""


@dataclass(frozen=True)
class Use:
    """Something to rewrite.

    Attributes:
        form: What has to be done.
        node: What it is done to.
        unit: In what it stands.
        function: The function in which it runs.
        targets: The functions, and stacks, one of which must be async for it; empty for always.
        new: The name that takes the place of that of ``node``, or of the method that it calls.
    """

    form: Form
    node: ast.AST
    unit: Unit
    function: Function | None
    targets: frozenset[ast.AST] = frozenset()
    new: str = ""

    @property
    def makes_async(self) -> bool:
        """Whether the function around it must be a coroutine function then."""
        return self.form not in ("rename", "client", "session", "drop") and not (
            self.form == "portal" and self.new
        )


@dataclass(frozen=True)
class Obstacle:
    """Something that stands in the way.

    Attributes:
        cause: Why.
        unit: In what it stands.
        node: Where.
        text: What it is, with its names.
        targets: The functions one of which must be async for it; empty for always.
    """

    cause: Cause
    unit: Unit
    node: ast.AST
    text: str
    targets: frozenset[ast.AST] = frozenset()


@dataclass
class Uses:
    """All uses of a suite.

    Attributes:
        found: What can be rewritten.
        obstacles: What stands in the way.
        needs: What each unit uses.
        asks: The fixtures that each unit asks for when it runs, which must stay if it does.
        forced: The functions that are async whatever is in them.
        follow: For each stack the functions, any of which makes it async if it is; none where something always does.
        review: What a person had better look at.
        read: The modules that were read.
    """

    found: list[Use] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)
    needs: dict[Unit, set[Unit]] = field(default_factory=lambda: defaultdict(set))
    asks: dict[Unit, set[Unit]] = field(default_factory=lambda: defaultdict(set))
    forced: set[ast.AST] = field(default_factory=set)
    follow: dict[ast.AST, list[frozenset[ast.AST]]] = field(default_factory=lambda: defaultdict(list))
    review: list[tuple[Unit, ast.AST, str]] = field(default_factory=list)
    read: set[Path] = field(default_factory=set)


def find_uses(values: Values, known: Uses | None = None) -> Uses:
    """Return what is done with clients in the modules of a suite.

    Args:
        values: The kinds of its values.
        known: What was found before, where no value has got another kind since.
    """
    found = known or Uses()
    for file in values.looked_at:
        if file not in found.read:
            found.read.add(file)
            _Reader(values, file, found).read()
    return found


class _Reader:
    """Reads one module."""

    def __init__(self, values: Values, file: Path, found: Uses) -> None:
        self._values = values
        self._file = file
        self._found = found
        self._symbols = values.symbols
        self._module = values.symbols.sources.modules[file]
        self._parents = values.bindings.parents(file)

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

    def unit(self, node: ast.AST) -> Unit:
        """Return the unit in which a node stands."""
        outermost: ast.AST | None = node if isinstance(node, FUNCTIONS) else None
        statement: ast.AST = node
        for outer in self._values.bindings.around(self._file, node):
            if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
                outermost = outer
            elif isinstance(outer, ast.ClassDef) and self._values.is_client_class(self._file, outer):
                return Unit(self._file, outer)
            if not isinstance(outer, ast.Module):
                statement = outer
        if outermost is not None and not isinstance(outermost, ast.Lambda):
            return Unit(self._file, outermost)
        return self._unit_of_statement(statement)

    def _unit_of_statement(self, statement: ast.AST) -> Unit:
        target = None
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
        elif isinstance(statement, ast.AnnAssign):
            target = statement.target
        if isinstance(target, ast.Name):
            return Unit(self._file, None, target.id)
        if isinstance(statement, ast.ClassDef):
            return Unit(self._file, statement)
        return Unit(self._file)

    # what an expression is, and where it goes

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

    # calls

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
            self._found.needs[self.unit(node)].add(self._unit_of(each.file, each.function))
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
                    self._found.needs[self.unit(node)].add(self._unit_of(file, function))
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
            function = self._values.scopes.function(self._file, node)
            if isinstance(function, ast.FunctionDef):
                self._add("sleep", node, frozenset({function}))

    def _method(self, node: ast.Call, method: Method) -> None:
        match method:
            case Method("client", name) if name in OPENS:
                pass
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
                (self.unit(node), node, f"`{ast.unparse(node)}` is awaited: is it async?")
            )
        self._add("portal", node)

    def _stacked(self, node: ast.Call) -> None:
        assert isinstance(node.func, ast.Attribute)
        stacks = frozenset(
            each.call for each in self._values.of(self._file, node.func.value) if isinstance(each, Stack)
        )
        entered = self._values.of(self._file, node.args[0])
        targets = self._managers(entered)
        if any(isinstance(each, Client | Opening) for each in entered):
            targets = frozenset()
        elif not targets:
            return
        self._add("await", node, targets, "enter_async_context")
        for stack in stacks:
            self._add("rename", stack, frozenset({stack}), "AsyncExitStack")
            self._found.follow[stack].append(targets)

    def _by_fixture_name(self, node: ast.Call) -> None:
        fixtures = self._values.fixtures_asked_for(self._file, node) if node.args else []
        for fixture in fixtures:
            self._found.asks[self.unit(node)].add(self._unit_of(fixture.file, fixture.function))
            text = f"the fixture `{fixture.name}` is asked for by `getfixturevalue`, which cannot await it"
            self._stop(migration.BY_NAME, node, text, frozenset({fixture.function}))

    # where values go

    def _entered(self, node: ast.expr, kinds: Kinds, outer: ast.withitem) -> None:
        statement = self._parents[outer]
        if isinstance(statement, ast.AsyncWith) or outer.optional_vars is node:
            return
        targets = self._managers(kinds) | {each.call for each in kinds if isinstance(each, Stack)}
        if any(isinstance(each, Client | Opening) for each in kinds):
            self._add("enter", outer)
        elif targets:
            self._add("enter", outer, frozenset(targets))
        for each in kinds:
            if isinstance(each, Object) and each.is_made:
                found = self._values.methods(each.file, each.definition, "__enter__")
                for _, method in found:
                    self._found.needs[self.unit(node)].add(self._unit_of(each.file, method))

    def _managers(self, kinds: Kinds) -> frozenset[ast.AST]:
        return frozenset(
            each.function
            for each in kinds
            if isinstance(each, Produced) and each.is_entered and isinstance(each.function, ast.FunctionDef)
        )

    def _generators(self, kinds: Kinds) -> frozenset[ast.AST]:
        return frozenset(
            each.function
            for each in kinds
            if isinstance(each, Produced)
            and not each.is_entered
            and isinstance(each.function, ast.FunctionDef)
        )

    def _iterated(self, node: ast.expr, kinds: Kinds, outer: ast.For | ast.comprehension) -> None:
        targets = self._generators(kinds)
        if targets and not (isinstance(outer, ast.comprehension) and outer.is_async):
            self._add("iterate", outer, targets)

    def _yielded_from(self, node: ast.YieldFrom) -> None:
        """See to a ``yield from``: no async generator can have one, whatever it gives."""
        function = self._values.scopes.function(self._file, node)
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
                node, kinds, migration.GIVEN_AWAY, f"gets another method by `{_short(outer)}`"
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

    def _consumed(self, node: ast.expr, outer: ast.Call, name: str, targets: frozenset[ast.AST]) -> None:
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

    def _is_ours(self, file: Path) -> bool:
        return self._symbols.sources.modules[file].is_test

    def _give_away(self, node: ast.expr, kinds: Kinds, cause: Cause, what: str) -> None:
        """Note that a value goes where it cannot be followed."""
        text = f"`{_short(node)}` {what}"
        if bears(kinds) or any(isinstance(each, Method) for each in kinds):
            self._stop(cause, node, text)
            return
        functions = self._functions_in(kinds)
        if functions:
            self._stop(cause, node, text, functions)

    def _functions_in(self, kinds: Kinds) -> frozenset[ast.AST]:
        found: set[ast.AST] = set()
        for each in kinds:
            if isinstance(each, Made | Produced) and not isinstance(each.function, ast.Lambda):
                found.add(each.function)
            elif isinstance(each, Many):
                found |= self._functions_in(each.items)
            elif isinstance(each, Row):
                found |= {one for items in each.items for one in self._functions_in(items)}
        return frozenset(found)

    # units, and what they need

    def _needs(self, node: ast.expr, kinds: Kinds) -> None:
        """Note which units the unit of an expression uses."""
        if not isinstance(node, ast.Name | ast.Attribute):
            return
        needs = self._found.needs[self.unit(node)]
        for each in kinds:
            if isinstance(each, Made) and not isinstance(each.function, ast.Lambda):
                needs.add(self._unit_of(each.file, each.function))
            elif isinstance(each, ClientClass | Client) and each.definition is not None:
                needs.add(self._unit_of_class(each.definition))
        if isinstance(node, ast.Name) and not self._values.is_local(self._file, node):
            found = self._symbols.lookup(self._file, node.id)
            if found is not None and found.file is not None and found.file in self._values.looked_at:
                definition = self._symbols.definition(found)
                if not isinstance(definition, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    needs.add(Unit(found.file, None, found.name))
        elif isinstance(node, ast.Attribute):
            self._needs_of_attribute(node, needs)

    def _needs_of_attribute(self, node: ast.Attribute, needs: set[Unit]) -> None:
        reference = (
            self._symbols.resolve(self._file, node) if not self._values.is_local(self._file, node) else None
        )
        if reference is not None and reference.file in self._values.looked_at and reference.file is not None:
            definition = self._symbols.definition(reference)
            if isinstance(definition, ast.expr):
                needs.add(Unit(reference.file, None, reference.name))
        for each in self._values.of(self._file, node.value):
            if isinstance(each, Object):
                for file, method in self._values.methods(each.file, each.definition, node.attr):
                    needs.add(self._unit_of(file, method))
                for one in self._values.family(each.file, each.definition):
                    for file, place in self._values.stores.get((one.definition, node.attr), ()):
                        needs.add(_Reader(self._values, file, self._found).unit(place))

    def _unit_of(self, file: Path, function: ast.AST) -> Unit:
        return _Reader(self._values, file, self._found).unit(function)

    def _unit_of_class(self, definition: ast.ClassDef) -> Unit:
        file = next(
            (each.path for each in self._values.looked_at.values() if definition in each.of(ast.ClassDef)),
            self._file,
        )
        return Unit(file, definition)

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

    def _add(
        self, form: Form, node: ast.AST, targets: frozenset[ast.AST] = frozenset(), new: str = ""
    ) -> None:
        function = self._values.scopes.function(self._file, node)
        if isinstance(node, ast.comprehension):
            function = self._values.scopes.function(self._file, node.iter)
        use = Use(form, node, self.unit(node), function, targets, new)
        if use in self._found.found[-3:]:
            return  # of another method that the same call may be of
        self._found.found.append(use)
        if use.makes_async:
            self._can_be_there(use)

    def _can_be_there(self, use: Use) -> None:
        """Note what keeps an ``await`` from standing where it would have to."""
        scopes = self._values.scopes.of(self._file, use.node)
        scope = next(iter(scopes), None)
        what = f"`{_short(use.node)}`"
        if isinstance(scope, ast.Lambda):
            self._stop(migration.IN_A_LAMBDA, use.node, f"{what} is in a lambda", use.targets)
        elif scope is None or isinstance(scope, ast.ClassDef):
            self._stop(migration.AT_IMPORT, use.node, f"{what} runs when the module is imported", use.targets)
        if not self._is_ours(self._file):
            self._stop(migration.NOT_OF_THE_TESTS, use.node, f"{what} is outside the tests", use.targets)
        generator = self._generator_around(use.node)
        if generator is not None and not self._is_consumed(generator):
            self._stop(
                migration.CANNOT_BE_REWRITTEN, use.node, f"{what} is in a generator expression", use.targets
            )

    def _generator_around(self, node: ast.AST) -> ast.GeneratorExp | None:
        """Return the generator expression that an ``await`` at a node makes asynchronous."""
        inner = node
        for outer in self._values.bindings.around(self._file, node):
            if isinstance(outer, ast.GeneratorExp):
                first = outer.generators[0]
                if inner is not first or not _is_within(node, first.iter):
                    return outer
            if isinstance(outer, ast.stmt | ast.Lambda):
                return None
            inner = outer
        return None

    def _is_consumed(self, generator: ast.GeneratorExp) -> bool:
        outer = self._parents.get(generator)
        return (
            isinstance(outer, ast.Call)
            and last_name(outer.func) in CONSUMERS
            and outer.args[:1] == [generator]
        )

    def _stop(
        self, cause: Cause, node: ast.AST, text: str, targets: frozenset[ast.AST] = frozenset()
    ) -> None:
        self._found.obstacles.append(Obstacle(cause, self.unit(node), node, text, targets))


def _is_within(node: ast.AST, outer: ast.AST) -> bool:
    return any(each is node for each in ast.walk(outer))


def _short(node: ast.AST) -> str:
    text = re.sub(r"\s+", " ", ast.unparse(node))
    return text if len(text) < 60 else f"{text[:57]}..."


def unit_of(values: Values, file: Path, node: ast.AST) -> Unit:
    """Return the unit in which a node stands."""
    return _Reader(values, file, Uses()).unit(node)
