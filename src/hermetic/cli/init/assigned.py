"""What code sets in the environment: ``os.environ[...] =``, ``setdefault``, ``update``, a monkeypatch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from hermetic.cli.init.bindings import last_name
from hermetic.cli.init.nodes import children
from hermetic.cli.init.sources import Module
from hermetic.cli.init.syntax import assignments, statements
from hermetic.cli.init.variables import literal

HOOKS = frozenset(
    {"pytest_configure", "pytest_sessionstart", "pytest_load_initial_conftests", "pytest_addoption"}
)
PATCHES = frozenset({"setenv", "setdefault", "putenv"})
ASSIGNING = PATCHES | {"environ"}
"""One of these words is wherever something is set in the environment."""


@dataclass(frozen=True)
class Assigned:
    """A variable that code sets.

    Attributes:
        name: Its name.
        value: The literal it is set to; None for anything else.
        line: The line.
        is_at_import: Whether that is done when the module is imported, or by a hook before any test.
        is_patch: Whether a monkeypatch does it.
    """

    name: str
    value: str | None
    line: int
    is_at_import: bool
    is_patch: bool = False


def environ_assignments(module: Module) -> Iterator[Assigned]:
    """Yield what a module sets in the environment."""
    if not module.mentions(*ASSIGNING):
        return
    at_import: set[ast.AST] = set()
    dictionaries = {
        name: value
        for statement in statements(module.tree.body)
        for name, value in assignments(statement)
        if isinstance(value, ast.Dict)
    }
    for node in module.nodes:
        if isinstance(node, ast.For):
            pairs = list(_looped(node, dictionaries))
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.Call):
            pairs = list(_pairs(node, dictionaries))
        else:
            continue
        is_patch = isinstance(node, ast.Call) and last_name(node.func) == "setenv"
        if pairs and not at_import:
            at_import.update(_at_import(module.tree))
        for name, value in pairs:
            yield Assigned(name, literal(value), node.lineno, node in at_import, is_patch)


def is_environ(node: ast.expr) -> bool:
    """Whether an expression is ``os.environ``, as far as its name tells."""
    return last_name(node) == "environ" and (isinstance(node, ast.Name) or ast.unparse(node) == "os.environ")


def _pairs(
    node: ast.Assign | ast.AugAssign | ast.Call, dictionaries: dict[str, ast.Dict]
) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            name = (
                literal(target.slice)
                if isinstance(target, ast.Subscript) and is_environ(target.value)
                else None
            )
            if name:
                yield name, node.value
    elif isinstance(node, ast.AugAssign):
        if is_environ(node.target):
            yield from _entries(node.value, dictionaries)
    elif isinstance(node.func, ast.Attribute):
        yield from _called(node, node.func, dictionaries)


def _called(
    call: ast.Call, function: ast.Attribute, dictionaries: dict[str, ast.Dict]
) -> Iterator[tuple[str, ast.expr]]:
    owns = is_environ(function.value)
    if function.attr in PATCHES and len(call.args) >= 2 and (owns or function.attr != "setdefault"):
        name = literal(call.args[0])
        if name:
            yield name, call.args[1]
    elif function.attr == "update" and owns:
        for argument in call.args:
            yield from _entries(argument, dictionaries)
        yield from ((word.arg, word.value) for word in call.keywords if word.arg)
    elif function.attr == "dict" and len(call.args) >= 2 and _names_environ(call.args[0]):
        yield from _entries(call.args[1], dictionaries)


def _names_environ(node: ast.expr) -> bool:
    return is_environ(node) or literal(node) == "os.environ"


def _entries(node: ast.expr, dictionaries: dict[str, ast.Dict]) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Name):
        node = dictionaries.get(node.id, node)
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            name = literal(key)
            if name:
                yield name, value
    elif isinstance(node, ast.Call) and last_name(node.func) == "dict":
        yield from ((word.arg, word.value) for word in node.keywords if word.arg)


def _looped(loop: ast.For, dictionaries: dict[str, ast.Dict]) -> Iterator[tuple[str, ast.expr]]:
    """Yield what ``for name, value in d.items()``, or ``for name in ("A", "B")``, puts into the environment."""
    text = "".join(ast.unparse(statement) for statement in loop.body)
    if "environ" not in text and "setenv" not in text:
        return
    iterated = loop.iter
    if isinstance(iterated, ast.Tuple | ast.List):
        yield from ((name, iterated) for name in map(literal, iterated.elts) if name)
    elif isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Attribute):
        yield from _entries(iterated.func.value, dictionaries)


def _at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes that run when a module is imported, or in a hook."""
    called = {
        last_name(statement.value.func)
        for statement in statements(tree.body)
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    }
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name in HOOKS | called:
            waiting.extend(children(node))
