"""The functions and classes around a node, kept for each statement: they are asked for at every name of a suite."""

from __future__ import annotations

import ast
from pathlib import Path

from hermetic.migrate.steps.client.kinds import Function
from hermetic.source.bindings import FUNCTIONS, Bindings

Scope = Function | ast.ClassDef


class Scopes:
    """Tells in which functions and classes a node stands, as ``Bindings.scopes`` does.

    Args:
        bindings: What lies around a node.
    """

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._known: dict[ast.AST, tuple[Scope, ...]] = {}

    def of(self, file: Path, node: ast.AST) -> tuple[Scope, ...]:
        """Return the scopes whose names a node sees, the innermost first."""
        parents = self._bindings.parents(file)
        path: list[tuple[ast.AST, ast.AST]] = []
        while node not in self._known and node in parents:
            outer = parents[node]
            path.append((node, outer))
            node = outer
        found = self._known.get(node, ())
        for inner, outer in reversed(path):
            if isinstance(outer, (*FUNCTIONS, ast.ClassDef)) and _is_in_body(outer, inner):
                found = (outer, *(each for each in found if not isinstance(each, ast.ClassDef)))
            if isinstance(inner, ast.stmt):
                self._known[inner] = found
        return found

    def function(self, file: Path, node: ast.AST) -> Function | None:
        """Return the function in whose body a node stands."""
        return next((each for each in self.of(file, node) if isinstance(each, FUNCTIONS)), None)


def _is_in_body(outer: Scope, inner: ast.AST) -> bool:
    if isinstance(outer, ast.Lambda):
        return inner is outer.body
    return isinstance(inner, ast.stmt)
