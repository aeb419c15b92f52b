"""What of a suite's own handling of its database goes, and what comes in its place, as edits of its files.

Statements that hermetic makes unnecessary go. Sessions stay, on another engine: ``hermetic_engine`` in a fixture, the
application's own where there is no fixture. What uses an engine or a connection in a way that is not known keeps all
that hangs on it as it is: half a recipe would test something else than either whole.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from hermetic.migrate.steps.database.changes import Changes, Plan
from hermetic.migrate.steps.database.conflicts import Conflicts
from hermetic.migrate.steps.database.shared_sessions import Shared
from hermetic.migrate.steps.database.staying import Reason
from hermetic.migrate.steps.database.visitor import Visitor
from hermetic.source.fixtures import Fixture, Function, Suite

WHOLE = frozenset({"HM861", "HM865"})
"""The reasons for which the whole function stays."""


class Planning:
    """Finds what of a suite's recipes goes, and what that needs.

    Args:
        suite: The suite.
        kept: Fixtures that must stay, with the reason.
        fixed: The files that cannot be changed.

    Attributes:
        changes: By file.
        reasons: Why parts stay.
        lent: Why the application goes on using a session of the suite, by the place of that.
        shared: The calls that make a session of the suite that the application is given.
    """

    def __init__(
        self, suite: Suite, kept: Iterable[tuple[Fixture, Reason]] = (), fixed: Iterable[Path] = ()
    ) -> None:
        self.suite = suite
        self.plan = Plan(suite)
        self.changes = self.plan.changes
        self.reasons: dict[tuple[Path, int, str], Reason] = {}
        self._visitor = Visitor(self.plan)
        self._conflicts = Conflicts(self.plan)
        self._sessions = Shared(self.plan)
        self.shared, self.lent = self._sessions.shared, self._sessions.lent
        for fixture, reason in kept:
            self._keep(fixture, reason)
        for file in fixed:
            self._keep_file(file)
        self._settle()

    def _keep(self, fixture: Fixture, reason: Reason) -> None:
        self.plan.staying.closed.add(fixture.file)
        self._block(fixture.file, ast.walk(fixture.function))
        self.reasons[reason.file, reason.line, reason.code] = reason

    def _keep_file(self, file: Path) -> None:
        self.plan.staying.closed.add(file)
        self._block(file, self.suite.symbols.sources.modules[file].nodes)

    def _block(self, file: Path, nodes: Iterable[ast.AST]) -> None:
        """Have the engines and connections stay that nodes of a file stand for."""
        for node in nodes:
            if isinstance(node, ast.Name | ast.Attribute | ast.Call):
                found = self.plan.handles.of(file, node)
                self.plan.staying.blocked |= found.roots if found else frozenset()

    def _settle(self) -> None:
        """Find what goes, until nothing that stays needs it."""
        while True:
            self.changes.update({module.path: Changes() for module in self.suite.symbols.sources.tests})
            self.plan.staying.reasons.clear()
            for path in self.changes:
                module = self.suite.symbols.sources.modules[path]
                self._visitor.visit(path, module.tree.body)
                self._visitor.visit_dictionaries(module)
            before = self._extent()
            known = list(self.plan.staying.reasons.values())
            self._sessions.find()
            for reason in [*known, *self._conflicts.find()]:
                self.reasons[reason.file, reason.line, reason.code] = reason
                self.plan.staying.blocked |= reason.roots
                if reason.roots:
                    self.plan.staying.closed |= self._files_with(reason.roots)
            self._shut()
            if before == self._extent():
                self._sessions.commit_for_the_application()
                self._sessions.read_what_the_application_wrote()
                return

    def _extent(self) -> tuple[int, ...]:
        """Return how much is known to stay."""
        told = self.plan.staying
        known = (told.blocked, told.closed, told.shut, told.lent, told.remade, told.moved)
        return tuple(len(each) for each in known)

    def _shut(self) -> None:
        """Leave the functions as they are in which something of a recipe is not understood, and what they use."""
        for node, reason in self.plan.staying.reasons.items():
            if reason.roots or reason.code not in WHOLE:
                continue
            around = self.plan.handles.bindings.around(reason.file, node)
            functions = [each for each in around if isinstance(each, Function)]
            if functions and functions[-1] not in self.plan.staying.shut:
                self.plan.staying.shut.add(functions[-1])
                self._block(reason.file, ast.walk(functions[-1]))

    def _files_with(self, roots: frozenset[ast.expr]) -> set[Path]:
        """Return the files in which something has to do with an engine or a connection."""
        return {
            path
            for path in self.changes
            if any(
                handle.roots & roots
                for node in self.suite.symbols.sources.modules[path].nodes
                if isinstance(node, ast.Name | ast.Call)
                for handle in [self.plan.handles.of(path, node)]
                if handle is not None
            )
        }
