"""Why an engine or a connection of the suite stays: something that stays uses it as nothing else can be used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from hermetic.migrate.steps.database.changes import Changes, Plan, names
from hermetic.migrate.steps.database.handles import Handle
from hermetic.migrate.steps.database.session_binds import Moves
from hermetic.migrate.steps.database.staying import Reason
from hermetic.source.fixtures import Fixture, Function


class Conflicts:
    """Finds what must stay.

    Args:
        plan: What is planned so far.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._moves = Moves(plan)

    def find(self) -> list[Reason]:
        """Return why things must stay, and note what stands in the place of engines and connections."""
        found: list[Reason] = []
        inlined = self._moves.inlined_makers()
        for path in self.plan.concerned:
            changes = self.plan.changes[path]
            for node in list(self.plan.kept(path, self.plan.suite.symbols.sources.modules[path].tree.body)):
                if isinstance(node, ast.Name | ast.Attribute | ast.Call) and not isinstance(
                    getattr(node, "ctx", None), ast.Store
                ):
                    found += self._conflict(path, changes, node, inlined)
        return found

    def _conflict(
        self, file: Path, changes: Changes, node: ast.expr, inlined: set[ast.expr]
    ) -> Iterator[Reason]:
        handle = self.plan.handles.of(file, node)
        if (
            handle is None
            or self.plan.staying.blocked & handle.roots
            or any(each in changes.replaced for each in (node, *self._around(file, node)))
        ):
            return
        if isinstance(node, ast.Call) and handle.made is not None and handle.made.node is node:
            if handle.kind in ("session", "maker") and handle.roots:
                yield from self._moves.moved(file, changes, node, handle, inlined)
            elif handle.kind == "engine" and handle.is_own and node not in self.plan.staying.moved:
                yield from self._moves.in_place(file, changes, node, handle)
            return
        call = self.plan.handles.bindings.parents(file).get(node)
        if (
            (
                isinstance(node, ast.Name)
                and handle.kind == "maker"
                and handle.made
                and handle.made.node in inlined
            )
            and isinstance(call, ast.Call)
            and call.func is node
        ):
            return
        if handle.kind in ("connection", "transaction") and handle.connection is not None:
            yield from self._on_a_connection(file, node, handle)
        elif handle.kind == "engine" and handle.is_own and isinstance(node, ast.Name):
            yield from (
                () if self.plan.bound_by(file, node) else self._moves.in_place(file, changes, node, handle)
            )

    def _around(self, file: Path, node: ast.AST) -> Iterator[ast.AST]:
        return self.plan.handles.bindings.around(file, node)

    def _on_a_connection(self, file: Path, node: ast.expr, handle: Handle) -> Iterator[Reason]:
        """Say why a connection stays: something that stays uses it, and not only a session that is on it."""
        if isinstance(node, ast.Name) and self.plan.bound_by(file, node):
            return
        statement = next(
            each for each in self._around(file, node) if isinstance(each, ast.stmt | ast.withitem)
        )
        if isinstance(statement, ast.withitem) or self._is_in_kept_with(file, node, handle):
            return
        function = self.plan.handles.bindings.function(file, node)
        fixture = self.plan.fixtures.get(function) if isinstance(function, Function) else None
        if fixture is not None and self._is_result(file, node) and not self._is_used(fixture):
            self.plan.changes[file].gone.add(fixture.function)
            return
        text = f"{ast.unparse(node)} is used for more than the session that is on it"
        yield Reason("HM860", file, node.lineno, text, handle.roots)

    def _is_in_kept_with(self, file: Path, node: ast.expr, handle: Handle) -> bool:
        """Whether a connection is opened by a ``with`` that stays, and no session is on it."""
        for each in self._around(file, node):
            opened = each.items if isinstance(each, ast.With | ast.AsyncWith) else []
            inside = [inner for item in opened for inner in ast.walk(item.context_expr)]
            is_opened = handle.connection is not None and handle.connection.node in inside
            if (
                is_opened
                and handle.connection is not None
                and handle.connection.node in self.plan.staying.held
            ):
                return True
            if is_opened and each not in self.plan.changes[file].unwrapped:
                names = (inner for inner in ast.walk(each) if isinstance(inner, ast.Name))
                return not any(self.plan.bound_by(file, inner) for inner in names)
        return False

    def _is_result(self, file: Path, node: ast.AST) -> bool:
        outer = self.plan.handles.bindings.parents(file).get(node)
        return isinstance(outer, ast.Yield | ast.Return | ast.Tuple)

    def _is_used(self, fixture: Fixture) -> bool:
        """Whether something that stays uses what a fixture hands out."""
        for user in self.plan.suite.users:
            for name in user.requests if user is not fixture else ():
                if self.plan.handles.fixture_of(user.file, user.function, name) is fixture:
                    kept = self.plan.kept(user.file, user.function.body)
                    if any(names(each, name) and not self.plan.bound_by(user.file, each) for each in kept):
                        return True
        return False
