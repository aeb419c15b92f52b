"""What a line, or a function, of the project's does, as it is written there: which call made something, above all.

Read once something is to be said of that line: a run without a finding reads no file here.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Collection, Iterator
from contextlib import suppress

from hermetic.code import Location

LONGEST = 80
"""Characters of a call that are shown."""

_KEEPING = (ast.Assign, ast.AnnAssign, ast.Assert, ast.Return)


def awaited(at: Location, names: Collection[str]) -> str:
    """Return the call in a line with the ``await`` that it lacks: ``await client.get(...)``.

    Args:
        at: The line.
        names: What is called there may have one of these names; none: any.

    Returns:
        The text, without the arguments; empty where no such call stands in that line, or more than one does.
    """
    tree = _tree(at.file)
    outer = {id(inner): node for node in ast.walk(tree) for inner in ast.iter_child_nodes(node)}
    calls = [
        node
        for node in ast.walk(tree)
        if _is_call_of(node, names) and _spans(node, at.line) and not isinstance(outer[id(node)], ast.Await)
    ]
    return _with_await(calls[0], outer[id(calls[0])]) if len(calls) == 1 else ""


def awaits(at: Location) -> str:
    """Return what the one call that a line awaits calls: ``session.add``.

    Returns:
        Its text; empty where the line awaits no call, more than one, or what is not a name and its attributes.
    """
    calls = [
        node.value.func
        for node in ast.walk(_tree(at.file))
        if isinstance(node, ast.Await) and _spans(node, at.line) and isinstance(node.value, ast.Call)
    ]
    called = ast.unparse(calls[0]) if len(calls) == 1 else ""
    return called if all(each.isidentifier() for each in called.split(".")) else ""


def kept(function: Location, names: Collection[str]) -> Location | None:
    """Return the line of a function that assigns, asserts or returns what a call returns, if there is just one.

    Args:
        function: Where the function is defined.
        names: What is called there may have one of these names.
    """
    lines = [
        node.lineno
        for statement in nodes_of(function)
        if isinstance(statement, _KEEPING)
        for node in _values(statement)
        if _is_call_of(node, names)
    ]
    return Location(function.file, lines[0], function.function) if len(lines) == 1 else None


def nodes_of(function: Location) -> Iterator[ast.AST]:
    """Give the nodes of a function, itself first; none where its file is not what it was.

    Args:
        function: Where it is defined.
    """
    for node in ast.walk(_tree(function.file)):
        if _is_defined_at(node, function):
            yield from ast.walk(node)


def _values(statement: ast.AST) -> Iterator[ast.expr]:
    """Give the expressions whose values a statement has, and no others: nothing that is handed to a call."""
    found: list[ast.AST] = [*ast.iter_child_nodes(statement)]
    while found:
        node = found.pop()
        if isinstance(node, ast.Compare | ast.UnaryOp | ast.BoolOp):
            found += ast.iter_child_nodes(node)
        elif isinstance(node, ast.expr):
            yield node


def _tree(file: str) -> ast.AST:
    with suppress(SyntaxError, ValueError):  # of what is no Python file
        return ast.parse("".join(linecache.getlines(file)))
    return ast.Module([], [])


def _is_call_of(node: ast.AST | None, names: Collection[str]) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    return (
        not names
        or (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) in names
    )


def _spans(node: ast.AST, line: int) -> bool:
    first: int = getattr(node, "lineno", 0)
    return first <= line <= getattr(node, "end_lineno", first)


def _is_defined_at(node: ast.AST, function: Location) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name != function.function:
        return False
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return first <= function.line <= node.lineno


def _with_await(call: ast.AST, outer: ast.AST) -> str:
    assert isinstance(call, ast.Call), "only calls were looked for"
    text = f"await {ast.unparse(call.func)}({'...' if call.args or call.keywords else ''})"
    if isinstance(outer, ast.Attribute):
        text = f"({text}).{outer.attr}"
    return text if len(text) <= LONGEST else ""
