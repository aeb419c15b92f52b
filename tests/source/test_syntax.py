"""The walk of a syntax tree."""

from __future__ import annotations

import ast
from pathlib import Path

from hermetic.source import syntax
from hermetic.source.syntax import nodes_of, statements_of

LEFT_OUT = ast.expr_context | ast.operator | ast.unaryop | ast.boolop | ast.cmpop

RARE = """\
def f(a, /, b=1, *c: int, d, e=2, **g) -> None:
    global x, y
    match a:
        case {"k": v, **rest} | Point(x=0, y=[1, *_]) as z if z:
            return {**b, "k": 1, None: [*c]}
    async with f() as (h, i), j:
        nonlocal_ = lambda: (yield)
    try:
        del k[1:2], l.m
    except* (A, B) as error:
        raise error from None
    return f"{a!r:>{b}} {not -a < b <= c and d @ e}", [x for x, in y if x async for z in w]
"""


def test_every_node_is_found_in_the_order_of_the_text() -> None:
    """Those of a large file, and of rare statements; operators and contexts aside."""
    texts = [
        Path(ast.__file__).read_text(encoding="utf-8"),
        Path(syntax.__file__).read_text(encoding="utf-8"),
    ]
    for tree in map(ast.parse, [*texts, RARE]):
        found = nodes_of(tree)
        wanted = {node for node in ast.walk(tree) if not isinstance(node, LEFT_OUT)}
        assert set(found) == wanted
        assert len(found) == len(wanted)
        statements = [node.lineno for node in found if isinstance(node, ast.stmt)]
        assert statements == sorted(statements)


def test_every_statement_is_found_in_the_order_of_the_text() -> None:
    """Those in functions, classes, handlers and cases included."""
    for text in (Path(ast.__file__).read_text(encoding="utf-8"), RARE):
        tree = ast.parse(text)
        found = statements_of(tree)
        assert found == [node for node in nodes_of(tree) if isinstance(node, ast.stmt)]
