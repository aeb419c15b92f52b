"""Patches and assignments that lead the application to the suite's engine, or to its database."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from hermetic.migrate.steps.database.clearing import MAKES
from hermetic.migrate.steps.database.handles import Handles
from hermetic.migrate.steps.database.side_effects import text_of
from hermetic.source.bindings import own_nodes
from hermetic.source.syntax import last_name, literal

PATCHES = frozenset({"setattr", "patch", "object"})


@dataclass
class Patches:
    """Tells what gives the application the suite's own.

    Args:
        handles: What expressions stand for.
    """

    handles: Handles

    def is_patch(self, file: Path, call: ast.Call) -> bool:
        """Whether a call puts the suite's engine, sessionmaker or session in the place of the application's."""
        if last_name(call.func) == "setenv" and len(call.args) == 2:
            return self._names_a_made_database(file, call.args[1])
        if last_name(call.func) not in PATCHES:
            return False
        if len(call.args) == 3 and literal(call.args[1]) is not None:
            target = ast.Attribute(call.args[0], literal(call.args[1]) or "", ast.Load())
            return self.leads(file, target, call.args[2])
        if len(call.args) == 2 and literal(call.args[0]) is not None:
            module = (literal(call.args[0]) or "").rpartition(".")[0]
            located = self.handles.symbols.locate(module, file) if module else None
            return located is not None and self._is_reach(file, call.args[1], located)
        return False

    def leads(self, file: Path, target: ast.expr, value: ast.expr) -> bool:
        """Whether a module of the application is given the suite's engine or what comes of it."""
        if not isinstance(target, ast.Attribute):
            return False
        owner = self.handles.symbols.resolve(file, target.value)
        if owner is None or owner.file is None or owner.name:
            return False
        return self._is_reach(file, value, owner.file)

    def _is_reach(self, file: Path, value: ast.expr, module: Path) -> bool:
        if self.handles.symbols.sources.modules[module].is_test:
            return False
        found = self.handles.handed_out(file, value)
        return found is not None and found.kind in ("engine", "maker", "session", "connection")

    def _names_a_made_database(self, file: Path, value: ast.expr) -> bool:
        """Whether a value is the name of a database that the same function makes."""
        function = self.handles.bindings.function(file, value)
        if not isinstance(value, ast.Name) or function is None:
            return False
        return any(
            isinstance(node, ast.JoinedStr)
            and MAKES.match(text_of(node) or "")
            and any(isinstance(part, ast.Name) and part.id == value.id for part in ast.walk(node))
            for node in own_nodes(function)
        )
