"""Import statements changed: names that are imported no longer, and those that are in their place.

What comes instead stands where the old name stood, in whatever block that is: ``if TYPE_CHECKING:``, a function.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hermetic.migrate.text import LINE, Edit, SourceText
from hermetic.source.syntax import first_line, is_constant_alone, never_runs

Wanted = tuple[str, str]
"""A module and a name of it; the name is empty where the module itself is imported."""


@dataclass(frozen=True)
class _Import:
    """An import statement.

    Attributes:
        node: The statement.
        siblings: The statements of its block.
        scope: Whose names it binds: the module, a function, a class, or a block that is not run.
    """

    node: ast.Import | ast.ImportFrom
    siblings: list[ast.stmt]
    scope: ast.AST

    @property
    def is_alone(self) -> bool:
        """Whether its block has nothing else."""
        return len(self.siblings) == 1 and not isinstance(self.scope, ast.Module)


def replaced_imports(
    text: SourceText, tree: ast.Module, aliases: Mapping[ast.alias, Iterable[Wanted]]
) -> Iterator[Edit]:
    """Yield the edits that import something else in the place of some names, or nothing.

    Args:
        text: The file.
        tree: Its syntax tree.
        aliases: The names that go, as import statements have them, and what comes instead of each.
    """
    imports = list(_imports(tree.body, tree))
    bound = {(each.scope, wanted) for each in imports for wanted in _kept(each.node, aliases)}
    for each in imports:
        gone = [alias for alias in each.node.names if alias in aliases]
        if gone:
            wanted = dict.fromkeys(one for alias in gone for one in aliases[alias])
            missing = [one for one in wanted if not bound & {(each.scope, one), (tree, one)}]
            bound |= {(each.scope, one) for one in missing}
            yield from _changed(
                each, [alias for alias in each.node.names if alias not in gone], missing, text
            )


def added_imports(
    text: SourceText, tree: ast.Module, wanted: Iterable[Wanted], beside: ast.stmt | None = None
) -> Iterator[Edit]:
    """Yield the edits that import names at the top of a file, where it does not do so yet.

    Args:
        text: The file.
        tree: Its syntax tree.
        wanted: The names.
        beside: The statement behind which they stand; None for the last import at the top.
    """
    bound = {one for each in _imports(tree.body, tree) if each.scope is tree for one in _kept(each.node, {})}
    missing = [each for each in dict.fromkeys(wanted) if each not in bound]
    head = [*_head(tree.body)] if beside is None else [beside]
    if missing and head:
        yield _after(head[-1], missing, text)
    elif missing:
        at = text.position(first_line(tree.body[0]), 0) if tree.body else len(text.text)
        yield Edit(at, at, "".join(f"{_line(each)}\n" for each in missing))


def _imports(body: list[ast.stmt], scope: ast.AST) -> Iterator[_Import]:
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield _Import(statement, body, scope)
        is_scope = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        inner = statement if is_scope else scope
        yield from _imports(getattr(statement, "body", []), statement if never_runs(statement) else inner)
        for name in ("orelse", "finalbody"):
            yield from _imports(getattr(statement, name, []), inner)
        for part in (*getattr(statement, "handlers", []), *getattr(statement, "cases", [])):
            yield from _imports(part.body, inner)


def _kept(node: ast.Import | ast.ImportFrom, gone: Mapping[ast.alias, object]) -> Iterator[Wanted]:
    for alias in node.names:
        if alias not in gone and alias.asname in (None, alias.name):
            if isinstance(node, ast.Import):
                yield alias.name, ""
            elif not node.level:
                yield node.module or "", alias.name


def _head(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield a file's docstring, and the imports before any other statement."""
    for index, statement in enumerate(body):
        if not isinstance(statement, ast.Import | ast.ImportFrom) and (
            index or not is_constant_alone(statement)
        ):
            return
        yield statement


def _changed(each: _Import, kept: list[ast.alias], missing: list[Wanted], text: SourceText) -> Iterator[Edit]:
    if kept:
        yield from _without(each.node, kept, text)
        if missing:
            yield _after(each.node, missing, text)
    elif missing:
        yield text.replace(each.node, _joint(each.node, text).join(map(_line, missing)))
    elif each.is_alone or _shares_a_line(each.node, text):
        yield text.replace(each.node, "pass")
    else:
        start = text.position(each.node.lineno, 0)
        yield Edit(start, _end_of_gap(start, text.end(each.node), text), "")


def _without(node: ast.Import | ast.ImportFrom, kept: list[ast.alias], text: SourceText) -> Iterator[Edit]:
    """Yield the edits that take names out of a list, each with what stands between it and its neighbour."""
    last = node.names.index(kept[-1])
    for alias, following in zip(node.names[:last], node.names[1:], strict=False):
        if alias not in kept:
            yield Edit(text.start(alias), text.start(following), "")
    if last + 1 < len(node.names):
        yield Edit(text.end(kept[-1]), text.end(node.names[-1]), "")


def _after(node: ast.stmt, wanted: list[Wanted], text: SourceText) -> Edit:
    end = text.end(node)
    joint = _joint(node, text)
    return Edit(end, end, "".join(f"{joint}{_line(each)}" for each in wanted))


def _end_of_gap(start: int, end: int, text: SourceText) -> int:
    """Return the end of a statement's lines, the empty one behind included where there is one before as well."""
    lines = [found.end() for found in LINE.finditer(text.text, end)] or [len(text.text)]
    is_first = not text.text[:start].rstrip(" \t\f") or text.text[:start].endswith(2 * text.newline)
    is_last = len(lines) > 1 and not text.text[lines[0] : lines[1]].strip()
    return lines[1] if is_first and is_last else lines[0]


def _line(wanted: Wanted) -> str:
    module, name = wanted
    return f"from {module} import {name}" if name else f"import {module}"


def _joint(node: ast.stmt, text: SourceText) -> str:
    return "; " if _shares_a_line(node, text) else f"\n{text.indent(node)}"


def _shares_a_line(node: ast.stmt, text: SourceText) -> bool:
    """Whether there is another statement on its lines: before it, or behind a semicolon."""
    before = text.text[text.position(node.lineno, 0) : text.start(node)]
    return bool(before.strip()) or text.text[text.end(node) :].lstrip(" \t\f\\\r\n").startswith(";")
