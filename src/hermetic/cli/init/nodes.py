"""The nodes of a syntax tree in the order of its text, walked once: of a thousand files they are a million.

``ast.walk`` asks each node for all its fields by a generator of its own. Most fields hold a string, or one of the
objects that stand for ``load`` and ``+``, which say nothing here. Left out, a walk takes a third of the time.
"""

from __future__ import annotations

import ast

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
