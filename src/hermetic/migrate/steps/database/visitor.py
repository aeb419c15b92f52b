"""What of a file goes: its statements one by one, ``with`` and ``try`` around others, entries of overrides."""

from __future__ import annotations

import ast
from pathlib import Path

from hermetic.migrate.steps.database.changes import Changes, Plan, names
from hermetic.migrate.steps.database.overrides import entries
from hermetic.source.fixtures import Function
from hermetic.source.modules import Module


class Visitor:
    """Plans what goes of files.

    Args:
        plan: What is planned so far.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def visit(self, file: Path, body: list[ast.stmt]) -> None:
        """Take out of a body what is superseded."""
        changes = self.plan.changes[file]
        found = self.plan.statements.superseded(file, body)
        changes.gone.update(found)
        for each in body:
            if each in found or each in self.plan.tests or each in self.plan.staying.shut:
                continue
            if isinstance(each, ast.ClassDef):
                self._visit_class(file, each)
                continue
            if isinstance(each, ast.With | ast.AsyncWith) and not self._holds_a_fixture(each):
                self._hold(file, each)
            for block in ("body", "orelse", "finalbody"):
                self.visit(file, getattr(each, block, []))
            for part in (*getattr(each, "handlers", []), *getattr(each, "cases", [])):
                self.visit(file, part.body)
            if isinstance(each, ast.With | ast.AsyncWith):
                self._visit_with(file, each)
            elif isinstance(each, ast.Try) and self._is_bare(each, changes):
                changes.unwrapped.add(each)

    def visit_dictionaries(self, module: Module) -> None:
        """Take sessions out of dictionaries of overrides, which somebody applies somewhere."""
        if module.path in self.plan.staying.closed:
            return
        symbols = self.plan.suite.symbols
        for entry in entries(module, symbols):
            if symbols.sources.modules[entry.file].is_test or self.plan.staying.is_blocked(
                module.path, entry.value
            ):
                continue
            if self.plan.statements.overrides.is_session(module.path, entry.value):
                self.plan.changes[module.path].entries[entry.dictionary].add(entry.key)

    def _hold(self, file: Path, node: ast.With | ast.AsyncWith) -> None:
        """Note the connections of a block that does more than to hand one out."""
        for item in node.items:
            found = self.plan.handles.of(file, item.context_expr)
            if found is not None and found.connection is not None:
                self.plan.staying.held.add(found.connection.node)

    def _visit_class(self, file: Path, node: ast.ClassDef) -> None:
        for each in node.body:
            if isinstance(each, Function) and each in self.plan.fixtures:
                self.visit(file, each.body)

    def _is_bare(self, node: ast.Try, changes: Changes) -> bool:
        """Whether nothing is left of a ``try`` but its body."""
        others = [*node.handlers, *node.orelse]
        return bool(node.finalbody) and not others and all(each in changes.gone for each in node.finalbody)

    def _visit_with(self, file: Path, node: ast.With | ast.AsyncWith) -> None:
        changes = self.plan.changes[file]
        going = [item for item in node.items if self._item_goes(file, node, item)]
        if len(going) == len(node.items):
            changes.unwrapped.add(node)
        else:
            changes.items.update(going)

    def _item_goes(self, file: Path, node: ast.With | ast.AsyncWith, item: ast.withitem) -> bool:
        if self.plan.staying.is_blocked(file, item.context_expr) or file in self.plan.staying.closed:
            return False
        if self.plan.statements.goes_when_called(file, item.context_expr):
            return True
        found = self.plan.handles.of(file, item.context_expr)
        if found is None or found.kind not in ("connection", "transaction"):
            return False
        variable = item.optional_vars
        if isinstance(variable, ast.Name):
            uses = [each for each in self.plan.kept(file, node.body) if names(each, variable.id)]
            return all(self.plan.bound_by(file, each) for each in uses) and self._holds_a_fixture(node)
        return found.kind == "transaction" or self._holds_a_fixture(node)

    def _holds_a_fixture(self, node: ast.AST) -> bool:
        return any(isinstance(each, ast.Yield | ast.YieldFrom) for each in ast.walk(node))
