"""The rewrite of each use: ``await``, ``async with``, ``async for``, names."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from hermetic.migrate.steps.client.editing import Editing, NoRewriteError
from hermetic.migrate.steps.client.kinds import Targets
from hermetic.migrate.steps.client.uses import Use
from hermetic.source.syntax import last_name

if TYPE_CHECKING:
    from hermetic.migrate.steps.client.imported import Imports

CLIENT = ("hermetic", "AsyncTestClient")
COMMA = re.compile(r"\s*,(?:\s|\\\r?\n)*")
OPEN, CLOSE = re.compile(r"(?:\s|\\\r?\n)*\((?:\s)*"), re.compile(r",?\s*\)")


def rewrite(use: Use, node: ast.AST, editing: Editing, imports: Imports, functions: Targets) -> None:
    """Make the edits of a use.

    Args:
        use: The use.
        node: What it is done to.
        editing: Takes the edits.
        imports: Gives the names of what is imported.
        functions: The functions that are async then.

    Raises:
        NoRewriteError: Its form is one that cannot be rewritten.
    """
    FORMS[use.form](use, node, editing, imports, functions)
    if use.makes_async:
        _bracket(node, editing)


def _await(use: Use, node: ast.AST, editing: Editing, imports: Imports, functions: Targets) -> None:
    assert isinstance(node, ast.Call)
    if use.new:
        editing.rename(node.func, use.new)
    _awaited(node, editing)


def _awaited(node: ast.expr, editing: Editing) -> None:
    if _needs_brackets(node, editing):
        editing.before(node, "(await ")
        editing.after(node, ")")
    else:
        editing.before(node, "await ")


def _needs_brackets(node: ast.expr, editing: Editing) -> bool:
    outer = editing.parents.get(node)
    if isinstance(outer, ast.Attribute | ast.Subscript):
        is_first = outer.value is node
    elif isinstance(outer, ast.Call):
        is_first = outer.func is node
    else:
        return isinstance(outer, ast.Await)
    start, _ = editing.span(node)
    return is_first and not _has_brackets(editing.text.text, start, editing.span(node)[1])


def _has_brackets(text: str, start: int, end: int) -> bool:
    """Whether brackets of its own stand around what is between two places."""
    return bool(re.search(r"(?<![\w\])])\(\s*$", text[:start])) and bool(re.match(r"\s*\)", text[end:]))


def _enter(use: Use, node: ast.AST, editing: Editing, imports: Imports, functions: Targets) -> None:
    """``with`` is replaced for all items of a statement at once: ``rewrite_with``."""


def rewrite_with(statement: ast.With, entered: set[ast.withitem], editing: Editing) -> None:
    """Make a ``with`` an ``async with``; where only some of its items are entered so, several that lie in each other.

    Raises:
        NoRewriteError: It has several items, and a form in which they cannot be parted.
    """
    kinds = [item in entered for item in statement.items]
    if all(kinds):
        editing.before(statement, "async ")
        return
    text = editing.text.text
    first, last = statement.items[0], statement.items[-1]
    start = editing.text.start(statement)
    head = text[start + len("with") : editing.span(first.context_expr)[0]]
    body = statement.body[0]
    if body.lineno == statement.lineno or _line_of_end(last) == body.lineno:
        raise NoRewriteError(statement, "a `with` of several items, with its block on the same line")
    is_in_brackets = OPEN.fullmatch(head) is not None
    if not is_in_brackets and head.strip(" \t\\\r\n"):
        raise NoRewriteError(statement, "a `with` of several items in brackets")
    if is_in_brackets:
        end = _end(last, editing)
        closing = CLOSE.match(text, end)
        if closing is None:
            raise NoRewriteError(statement, "a `with` of several items in brackets")
        editing.put(start + len("with"), start + len("with") + len(head), " ")
        editing.put(end, closing.end(), "")
    if kinds[0]:
        editing.before(statement, "async ")
    indent, step = editing.indent(statement), editing.step(statement, body)
    depth = 0
    for before, after in zip(statement.items, statement.items[1:], strict=False):
        if (before in entered) == (after in entered):
            continue
        depth += 1
        end, begin = _end(before, editing), editing.span(after.context_expr)[0]
        if COMMA.fullmatch(text[end:begin]) is None:
            raise NoRewriteError(
                statement, "a `with` of several items with comments or brackets between them"
            )
        word = "async with" if after in entered else "with"
        editing.put(end, begin, f":\n{indent}{step * depth}{word} ")
    _indent(statement, step * depth, editing)


def _line_of_end(item: ast.withitem) -> int:
    last = item.optional_vars or item.context_expr
    return int(last.end_lineno or last.lineno)


def _end(item: ast.withitem, editing: Editing) -> int:
    return editing.span(item.optional_vars or item.context_expr)[1]


def _indent(statement: ast.With, text: str, editing: Editing) -> None:
    """Indent the block of a statement, the lines of its texts aside."""
    inside: set[int] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.JoinedStr | ast.Constant) and node.end_lineno != node.lineno:
            inside.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
    for line in range(statement.body[0].lineno, (statement.end_lineno or 0) + 1):
        position = editing.line_start(line)
        if line not in inside and editing.text.text[position:].lstrip(" \t")[:1] not in ("\r", "\n", ""):
            editing.insert(position, text)


def _iterate(use: Use, node: ast.AST, editing: Editing, imports: Imports, functions: Targets) -> None:
    if isinstance(node, ast.For):
        editing.before(node, "async ")
        return
    assert isinstance(node, ast.comprehension)
    start, _ = editing.span(node.target)
    found = re.search(r"\bfor[\s\\(]*$", editing.text.text[:start])
    if found is None:
        raise NoRewriteError(node.iter, "a comprehension with a comment behind its `for`")
    editing.insert(found.start(), "async ")


def _yield_from(use: Use, node: ast.AST, editing: Editing, imports: Imports, functions: Targets) -> None:
    assert isinstance(node, ast.YieldFrom)
    statement = editing.parents[node]
    text = editing.text.text
    start, end = editing.span(node)
    line = editing.line_start(node.lineno)
    rest = re.match(r"[ \t]*(#[^\r\n]*)?(?=\r|\n|\Z)", text[end:])
    if not isinstance(statement, ast.Expr) or text[line:start].strip() or rest is None:
        raise NoRewriteError(node, "a `yield from` that is not alone on its line")
    is_async = bool((use.targets - {use.function}) & functions)
    editing.put(start, editing.span(node.value)[0], f"{'async ' if is_async else ''}for value in ")
    step = "\t" if editing.indent(statement).endswith("\t") else "    "
    editing.after(node.value, f":\n{editing.indent(statement)}{step}yield value")


def _collect(use: Use, node: ast.AST, editing: Editing, imports: Imports, functions: Targets) -> None:
    assert isinstance(node, ast.expr)
    outer = editing.parents.get(node)
    called = last_name(node.func) if isinstance(node, ast.Call) else ""
    name = {"iter_lines": "line", "iter_text": "chunk", "iter_bytes": "chunk", "iter_raw": "chunk"}.get(
        called, "value"
    )
    head = f"[{name} async for {name} in "
    if isinstance(outer, ast.Call) and last_name(outer.func) == "list" and len(outer.args) == 1:
        editing.put(editing.span(outer)[0], editing.span(node)[0], head)
        editing.put(editing.span(node)[1], editing.span(outer)[1], "]")
    else:
        editing.before(node, head)
        editing.after(node, "]")


def _next(use: Use, node: ast.AST, editing: Editing, imports: Imports, functions: Targets) -> None:
    assert isinstance(node, ast.Call)
    editing.put(*editing.span(node.func), "anext")
    _awaited(node, editing)


def _portal(use: Use, node: ast.AST, editing: Editing, imports: Imports, functions: Targets) -> None:
    assert isinstance(node, ast.Call)
    function = node.args[0]
    start, end = editing.span(node)
    first, last = editing.span(function)
    brackets = not isinstance(function, ast.Name | ast.Attribute | ast.Call)
    editing.put(start, first, "(" if brackets else "")
    closing = ")" if brackets else ""
    if len(node.args) > 1:
        editing.put(last, editing.span(node.args[1])[0], f"{closing}(")
    else:
        editing.put(last, end, f"{closing}()")
    if use.makes_async:
        _awaited(node, editing)


def _rename(use: Use, node: ast.AST, editing: Editing, imports: Imports, functions: Targets) -> None:
    assert isinstance(node, ast.Call)
    if use.new == "AsyncExitStack" and isinstance(node.func, ast.Name):
        editing.replace(node.func, imports.replacing(node.func.id, "contextlib", use.new))
    else:
        editing.rename(node.func, use.new)


def _client(use: Use, node: ast.AST, editing: Editing, imports: Imports, functions: Targets) -> None:
    assert isinstance(node, ast.expr)
    if isinstance(node, ast.Constant):
        name = imports.replacing(use.new.partition(".")[0], *CLIENT)
        text = re.sub(rf"(?<![\w.]){re.escape(use.new)}\b", name, editing.text.of(node))
        editing.put(*editing.span(node), text)
    else:
        _class(node, CLIENT, editing, imports)


def _session(use: Use, node: ast.AST, editing: Editing, imports: Imports, functions: Targets) -> None:
    assert isinstance(node, ast.expr)
    _class(node, ("hermetic.client", use.new), editing, imports)


def _class(node: ast.expr, new: tuple[str, str], editing: Editing, imports: Imports) -> None:
    if isinstance(node, ast.Name):
        editing.replace(node, imports.replacing(node.id, *new))
    else:
        root = node
        while isinstance(root, ast.Attribute):
            root = root.value
        editing.replace(node, imports.beside(last_name(root), *new))


def _sleep(use: Use, node: ast.AST, editing: Editing, imports: Imports, functions: Targets) -> None:
    assert isinstance(node, ast.Call)
    root = node.func.value if isinstance(node.func, ast.Attribute) else node.func
    if isinstance(root, ast.Name):
        editing.replaced.add(root)
        editing.put(*editing.span(node.func), f"{imports.replacing(root.id, 'asyncio', '')}.sleep")
        _awaited(node, editing)


def _drop(use: Use, node: ast.AST, editing: Editing, imports: Imports, functions: Targets) -> None:
    """Take an argument out of a call, with the comma before it."""
    call = editing.parents[node]
    assert isinstance(node, ast.keyword) and isinstance(call, ast.Call)
    given = sorted((*call.args, *call.keywords), key=editing.text.start)
    before = given[given.index(node) - 1]
    editing.put(editing.span(before)[1], editing.span(node)[1], "")


def _bracket(node: ast.AST, editing: Editing) -> None:
    """Make a list of a generator expression in which something is awaited: who consumes it cannot wait for it."""
    inner = node
    while inner in editing.parents and not isinstance(inner, ast.stmt):
        outer = editing.parents[inner]
        if (
            isinstance(inner, ast.GeneratorExp)
            and isinstance(outer, ast.Call)
            and inner not in editing.replaced
        ):
            first = inner.generators[0].iter
            if not any(each is node for each in ast.walk(first)):
                editing.replaced.add(inner)
                start, end = editing.span(inner)
                if editing.text.text[start] == "(" and end == editing.span(outer)[1]:
                    editing.put(start, start + 1, "([")
                    editing.put(end - 1, end, "])")
                else:
                    editing.put(start, start + 1, "[")
                    editing.put(end - 1, end, "]")
        inner = outer


FORMS: dict[str, Callable[[Use, ast.AST, Editing, Imports, Targets], None]] = {
    "await": _await,
    "client": _client,
    "collect": _collect,
    "drop": _drop,
    "enter": _enter,
    "iterate": _iterate,
    "next": _next,
    "portal": _portal,
    "rename": _rename,
    "session": _session,
    "sleep": _sleep,
    "yield from": _yield_from,
}
