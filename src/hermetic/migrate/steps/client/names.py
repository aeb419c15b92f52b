"""The names of other packages that the migration of a client knows, and how a name is bound in a function."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.source.bindings import FUNCTIONS, own_nodes
from hermetic.source.symbols import Symbols

TEST_CLIENTS = frozenset({"fastapi.testclient.TestClient", "starlette.testclient.TestClient"})
OTHERS = {
    f"{module}.testclient.{name}": new
    for module in ("fastapi", "starlette")
    for name, new in (
        ("WebSocketTestSession", "WebSocketSession"),
        ("WebSocketDenialResponse", "WebSocketDenialResponse"),
        ("WebSocketDisconnect", "WebSocketDisconnect"),
    )
}
"""What else the module of ``TestClient`` has, and what it is called in ``hermetic.client``."""
CONTEXT_MANAGERS = frozenset({"contextlib.contextmanager"})
ASYNC_CONTEXT_MANAGERS = frozenset({"contextlib.asynccontextmanager"})
STACKS = frozenset({"contextlib.ExitStack"})
PARTIALS = frozenset({"functools.partial"})
PASSES_ON = frozenset({"typing.cast", "copy.copy"})
COLLECTS = frozenset({"list", "tuple", "set", "frozenset", "iter", "reversed", "sorted", "deque", "cycle"})
PROPERTIES = frozenset({"property", "cached_property"})
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
"""What runs what it is given in another thread, or another process."""
WORDS = ("TestClient", "testclient")
OF_INTEREST = frozenset(
    {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Global, ast.Nonlocal, ast.Yield, ast.YieldFrom}
    | {ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.With, ast.AsyncWith, ast.For, ast.AsyncFor}
    | {ast.comprehension, ast.ExceptHandler}
)
"""The nodes that say something of the names of a scope."""


@dataclass(frozen=True)
class Given:
    """What a name is given in a scope.

    Attributes:
        value: An expression.
        is_entered: Whether it is what entering that gives.
        is_each: Whether it is each of its items.
        path: Which item of that, and which of this item, where it is unpacked.
    """

    value: ast.expr
    is_entered: bool = False
    is_each: bool = False
    path: tuple[int, ...] = ()


@dataclass(frozen=True)
class Names:
    """The names that a scope binds.

    Attributes:
        given: What each is given.
        defined: The functions and classes among them.
        has_yield: Whether the scope is a generator function.
    """

    given: dict[str, list[Given]]
    defined: dict[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]
    has_yield: bool


def bound_in(scope: ast.AST) -> Names:
    """Return the names that a function, a class body or a module binds, those declared ``global`` aside."""
    given: dict[str, list[Given]] = defaultdict(list)
    defined: dict[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef] = {}
    elsewhere: set[str] = set()
    nodes = [node for node in own_nodes(scope) if type(node) in OF_INTEREST]
    for inner in _inner_functions(nodes) if isinstance(scope, FUNCTIONS) else ():
        for name, value in declared_elsewhere(inner, ast.Nonlocal):
            given[name].append(value)
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined[node.name] = node
        elif isinstance(node, ast.Global | ast.Nonlocal):
            elsewhere |= set(node.names)
        else:
            for name, value in _bound(node):
                given[name].append(value)
    return Names(
        {name: values for name, values in given.items() if name not in elsewhere},
        defined,
        any(isinstance(node, ast.Yield | ast.YieldFrom) for node in nodes),
    )


def _inner_functions(nodes: Iterable[ast.AST]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions inside a function: what they declare ``nonlocal`` they give to its names."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _inner_functions(own_nodes(node))


def declared_elsewhere(
    scope: ast.AST, *kinds: type[ast.Global | ast.Nonlocal]
) -> Iterator[tuple[str, Given]]:
    """Yield what a function gives to names that it declares ``global``, ``nonlocal``, or either."""
    nodes = list(own_nodes(scope))
    names = {name for node in nodes if isinstance(node, kinds) for name in node.names}
    for node in nodes if names else ():
        yield from ((name, value) for name, value in _bound(node) if name in names)


def foreign(file: Path, expression: ast.expr, symbols: Symbols) -> str:
    """Return the full dotted name of another package's thing; the bare name of a builtin; else empty."""
    found = symbols.resolve(file, expression)
    if found is not None:
        return "" if found.file is not None else found.name
    return expression.id if isinstance(expression, ast.Name) else ""


def _bound(node: ast.AST) -> Iterator[tuple[str, Given]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _targets(target, Given(node.value))
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
        if node.value is not None:
            yield from _targets(node.target, Given(node.value))
    elif isinstance(node, ast.With | ast.AsyncWith):
        for entered in node.items:
            if entered.optional_vars is not None:
                yield from _targets(entered.optional_vars, Given(entered.context_expr, is_entered=True))
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        yield from _targets(node.target, Given(node.iter, is_each=True))
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name, Given(ast.Constant(None))


def puts_in(node: ast.AST) -> Iterator[tuple[ast.Name, ast.expr]]:
    """Yield what a call, or an assignment, puts into a collection: ``clients.append(c)``, ``clients[0] = c``."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                yield target.value, node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        is_put = node.func.attr in ("append", "add", "appendleft") and len(node.args) == 1
        if is_put and isinstance(node.func.value, ast.Name):
            yield node.func.value, node.args[0]


def _targets(target: ast.expr, given: Given) -> Iterator[tuple[str, Given]]:
    if isinstance(target, ast.Name):
        yield target.id, given
    elif isinstance(target, ast.Tuple | ast.List):
        for position, each in enumerate(target.elts):
            inner = Given(given.value, given.is_entered, given.is_each, (*given.path, position))
            yield from _targets(each, inner)
