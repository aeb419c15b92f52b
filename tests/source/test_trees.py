"""Syntax trees whose functions' bodies are dropped."""

from __future__ import annotations

import ast

from hermetic.source.trees import Tree, Trees

TEXT = b"""
import os

KEY = lambda: 1

class Outer:
    size = 1

    @property
    def value(self, default=lambda: 2):
        import json
        def inner(x):
            class Local:
                def method(self): return [lambda y: x for x in ()]
            return Local
        return inner, {"a": lambda: inner}

if KEY:
    async def later():
        await later()
"""


def test_a_body_that_was_dropped_is_there_for_whoever_looks_into_it() -> None:
    """The tree is what it was, whatever of it is asked for first."""
    whole = ast.dump(ast.parse(TEXT))
    tree = Tree(TEXT, ast.parse, Trees())
    for _ in range(3):
        assert ast.dump(tree.root) == whole
        assert tree.trees
        tree.trees.drop_bodies()
        assert not tree.trees
    assert "lambda y: x" in ast.unparse(tree.root)


def test_definitions_are_the_same_whenever_a_body_is_read() -> None:
    """Those in bodies, too, so that what is known of one can be kept by it; other nodes are where they were."""
    trees = Trees()
    tree = Tree(TEXT, ast.parse, trees)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Import)
    before = [node for node in tree.nodes if isinstance(node, kinds)]
    names = {tree.places[node]: node.id for node in tree.nodes if isinstance(node, ast.Name)}
    functions = list(tree.of(ast.FunctionDef))
    trees.drop_bodies()
    assert list(tree.of(ast.FunctionDef)) == functions
    assert not trees  # nothing was parsed for that
    assert [node for node in tree.nodes if isinstance(node, kinds)] == before
    assert {tree.places[node]: node.id for node in tree.nodes if isinstance(node, ast.Name)} == names
    assert all(tree.parents[node] for node in before)


def test_a_tree_stays_where_nobody_drops_it() -> None:
    """As init and doctor have it, which look at a file again and again."""
    tree = Tree(TEXT, ast.parse, None)
    nodes = tree.nodes
    tree.drop_bodies()
    assert ast.dump(tree.root) == ast.dump(ast.parse(TEXT))
    assert nodes
