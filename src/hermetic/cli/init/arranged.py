"""Tell what a test arranges, or is about, from what a suite does by hand between its tests.

Both are written alike. What takes away some rows before a test goes on, or brings a database to the revision that it is
told, does part of that test: nothing of hermetic's takes its place.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import cast

from hermetic.source.bindings import FUNCTIONS, Function, own_nodes, parameters
from hermetic.source.modules import Module
from hermetic.source.suite_modules import is_fixture
from hermetic.source.syntax import keyword, literal

CONDITION = re.compile(r"\.(where|filter|filter_by)\(|\bwhere\b", re.IGNORECASE)
TEAR_DOWN = re.compile(r"(async)?teardown(_\w+)?", re.IGNORECASE)
"""What a runner calls after tests, beside fixtures."""
NEWEST = frozenset({"head", "heads"})


def is_of_a_test(slug: str, node: ast.AST, module: Module) -> bool:
    """Whether what looks like a recipe belongs to a test.

    Args:
        slug: The recipe.
        node: What stands there.
        module: The module, one of the suite's.
    """
    if slug == "truncate-loop":
        return CONDITION.search(ast.unparse(node)) is not None and not _cleans_up(node, module)
    return slug == "migrations" and not _is_to_the_newest(node, module)


def _cleans_up(node: ast.AST, module: Module) -> bool:
    """Whether a node stands where a test has ended: after a fixture's ``yield``, in a finalizer or a tear-down."""
    inner: Function | None = None
    for function in _functions(node, module):
        if not isinstance(function, ast.Lambda):
            if TEAR_DOWN.fullmatch(function.name):
                return True
            if is_fixture(function):
                yields = [each for each in own_nodes(function) if isinstance(each, ast.Yield)]
                return inner is not None or any(_place(each) < _place(node) for each in yields)
        inner = function
    return False


def _place(node: ast.AST) -> tuple[int, int]:
    assert isinstance(node, ast.expr | ast.stmt)
    return node.lineno, node.col_offset


def _is_to_the_newest(node: ast.AST, module: Module) -> bool:
    """Whether Alembic is called for the newest revision, and not for one that is named or handed on."""
    revision = _revision(node, module)
    if not isinstance(revision, ast.Name):
        return literal(revision) in (None, *NEWEST)
    for function in _functions(node, module):
        if revision.id in parameters(function):
            _, default = parameters(function)[revision.id]
            return literal(default) in NEWEST
    return True


def _revision(node: ast.AST, module: Module) -> ast.expr | None:
    """Return what ``upgrade(config, "head")`` is given, which may be handed to a thread with its arguments."""
    call = module.parents.get(node)
    if not isinstance(call, ast.Call):
        return None
    parts = [call.func, *call.args]
    given = parts[parts.index(cast(ast.expr, node)) + 1 :]
    return keyword(call, "revision") or next(iter(given[1:]), None)


def _functions(node: ast.AST, module: Module) -> Iterator[Function]:
    """Yield the functions around a node, the innermost first."""
    while node in module.parents:
        node = module.parents[node]
        if isinstance(node, FUNCTIONS):
            yield node
