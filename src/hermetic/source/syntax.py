"""Syntax trees as they are, without asking what a name stands for: walks, statements, assignments, imports.

Of a thousand files the nodes are a million, and the statements a tenth of them. ``ast.walk`` asks each node for all its
fields by a generator of its own. Most fields hold a string, or one of the objects that stand for ``load`` and ``+``,
which say nothing here. Left out, a walk takes a third of the time.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when a body runs, those in its blocks included, functions' not."""
    for statement in body:
        yield statement
        for block in ("body", "orelse", "finalbody"):
            if not isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield from statements(getattr(statement, block, []))
        for part in (*getattr(statement, "handlers", []), *getattr(statement, "cases", [])):
            yield from statements(part.body)


def assignments(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield the (name, value) pairs that a statement assigns to plain names."""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        yield statement.target.id, statement.value
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id, statement.value


def imported_names(nodes: Iterable[ast.AST], file: Path) -> Iterator[str]:
    """Yield the absolute dotted names that the import statements among a file's nodes may load."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            target = import_target(node, file)
            yield target
            yield from (f"{target}.{alias.name}" for alias in node.names)


def import_target(node: ast.ImportFrom, file: Path) -> str:
    """Return the absolute dotted name of the module that a ``from`` import names, relative ones counted up."""
    if not node.level:
        return node.module or ""
    base = file.parent
    for _ in range(node.level - 1):
        base = base.parent
    inside = base.relative_to(package_root(base)).parts
    return ".".join([*inside, *(node.module or "").split(".")]).strip(".")


@cache
def package_root(directory: Path) -> Path:
    """Return the directory that must be on ``sys.path`` for a module in ``directory``: above its top package.

    Kept, for it is asked for each import: whoever reads a project anew clears that.
    """
    while (directory / "__init__.py").exists():
        directory = directory.parent
    return directory


def never_runs(statement: ast.AST) -> bool:
    """Whether this is an ``if`` whose body does not run when the module is imported: for type checkers, for scripts."""
    return isinstance(statement, ast.If) and (
        is_for_scripts(statement.test)
        or any(
            getattr(node, "id", getattr(node, "attr", "")) == "TYPE_CHECKING"
            for node in ast.walk(statement.test)
        )
    )


def is_for_scripts(test: ast.AST) -> bool:
    """Whether a condition is ``__name__ == "__main__"``, which does not hold in what is imported."""
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


WORDS = frozenset(
    {"arg", "asname", "attr", "id", "kind", "kwd_attrs", "module", "name", "rest", "type_comment"}
)
OTHERS = frozenset({"conversion", "ctx", "is_async", "level", "op", "ops", "simple"})
"""With ``WORDS``, the fields that hold no node of interest."""


def nodes_of(tree: ast.AST) -> list[ast.AST]:
    """Return a tree's nodes, itself first; those of operators and contexts are left out."""
    found: list[ast.AST] = []
    waiting: list[ast.AST | None] = [tree]
    while waiting:
        node = waiting.pop()
        if node is None:
            continue
        found.append(node)
        for name in _fields[type(node)]:  # as in ``add_children``, whose call would take as long as that
            value = getattr(node, name, None)
            if isinstance(value, list):
                waiting.extend(value[::-1])
            elif isinstance(value, ast.AST):
                waiting.append(value)
    return found


def parents_of(nodes: Iterable[ast.AST]) -> dict[ast.AST, ast.AST]:
    """Return the node around each node that lies in one of these."""
    found: dict[ast.AST, ast.AST] = {}
    for node in nodes:
        for name in _fields[type(node)]:
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                found[value] = node
            elif isinstance(value, list):
                found.update(dict.fromkeys(value, node))
    found.pop(None, None)  # type: ignore[call-overload] # as ``**`` in a dictionary is
    return found


def statements_of(tree: ast.Module) -> list[ast.stmt]:
    """Return all statements of a module in the order of the text: of its nodes, one in ten."""
    found: list[ast.stmt] = []
    waiting: list[ast.AST] = [*reversed(tree.body)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            found.append(node)
        for name in _blocks[type(node)]:
            waiting.extend(getattr(node, name)[::-1])
    return found


def children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes right inside a node, in the order of the text."""
    found: list[ast.AST] = []
    add_children(node, found)
    found.reverse()
    return found


def add_children(node: ast.AST, waiting: list[ast.AST]) -> None:
    """Add the nodes right inside a node to a list from whose end they are taken: the last first."""
    for name in _fields[type(node)]:
        value = getattr(node, name, None)
        if isinstance(value, list):
            waiting.extend(each for each in value[::-1] if each is not None)  # as ``**`` in a dictionary is
        elif isinstance(value, ast.AST):
            waiting.append(value)


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """The fields of each kind of nodes that can hold nodes, the last first."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        are_words = kind in (ast.Global, ast.Nonlocal)
        named = () if are_words else (name for name in reversed(kind._fields) if name not in WORDS | OTHERS)
        found = self[kind] = tuple(named)
        return found


class _Blocks(dict[type[ast.AST], tuple[str, ...]]):
    """The fields of each kind of nodes that hold statements, or what these are in, the last first."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        named = ("cases", "finalbody", "orelse", "handlers", "body")
        is_block = issubclass(kind, ast.stmt | ast.excepthandler | ast.match_case)
        found = self[kind] = tuple(name for name in named if is_block and name in kind._fields)
        return found


_fields = _Fields()
_blocks = _Blocks()


def fields(node: ast.AST) -> tuple[str, ...]:
    """Return the fields of a node that can hold nodes, the last first."""
    return _fields[type(node)]


def blocks(node: ast.AST) -> tuple[str, ...]:
    """Return the fields of a node that hold statements, or what these are in, the last first."""
    return _blocks[type(node)]


def last_name(node: ast.expr) -> str:
    """Return the last part of a dotted name; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def first_line(statement: ast.stmt) -> int:
    """Return the line on which a statement begins, its decorators included."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def is_constant_alone(statement: ast.AST) -> bool:
    """Whether a statement is a constant and nothing else: a docstring, or ``...``."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def is_none(node: ast.expr) -> bool:
    """Whether an expression is ``None``."""
    return isinstance(node, ast.Constant) and node.value is None


def is_true(node: ast.expr | None) -> bool:
    """Whether an expression is ``True``."""
    return isinstance(node, ast.Constant) and node.value is True


def keyword(node: ast.AST | None, name: str) -> ast.expr | None:
    """Return what a call is given by a name; None where it is not, or where this is no call."""
    words = node.keywords if isinstance(node, ast.Call) else []
    return next((word.value for word in words if word.arg == name), None)


def literal(node: ast.expr | None) -> str | None:
    """Return the text of a string literal."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
