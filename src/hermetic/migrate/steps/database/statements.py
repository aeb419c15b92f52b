"""Which statements of a suite do by hand what hermetic does, and nothing else.

A statement is *superseded* where the whole of it is known: it makes or drops the application's tables, opens the one
connection or the transaction that is rolled back, clears tables, makes or drops a database, runs the migrations, leads
the application to the suite's engine. Whatever is in doubt stays.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

from hermetic.migrate.steps.database.clearing import Clearing, starts_at_query
from hermetic.migrate.steps.database.handles import Handle, Handles
from hermetic.migrate.steps.database.listeners import Listeners
from hermetic.migrate.steps.database.overrides import OWN, Overrides, is_override
from hermetic.migrate.steps.database.patches import Patches
from hermetic.migrate.steps.database.side_effects import awaited, is_nothing, is_pure
from hermetic.migrate.steps.database.staying import Staying
from hermetic.migrate.steps.database.table_creation import MIGRATES, TABLES, Making
from hermetic.source.environ import outside
from hermetic.source.fixtures import Function
from hermetic.source.syntax import last_name

RUNS = frozenset({"execute", "exec", "scalars", "exec_driver_sql"})
ENDS: dict[str, frozenset[str]] = {
    "engine": frozenset({"dispose"}),
    "connection": frozenset({"close", "rollback", "begin", "begin_nested", "start", "invalidate"}),
    "transaction": frozenset({"close", "rollback", "commit", "start"}),
    "session": frozenset({"begin", "begin_nested"}),
    "migrations": frozenset({"set_main_option", "set_section_option"}),
}
"""What is called on each kind for nothing but itself."""
HANDING_ON = frozenset({"run", "run_until_complete", "run_in_executor", "to_thread", "run_sync", "wait_for"})


class Statements:
    """Tells superseded statements.

    Args:
        handles: What expressions stand for.
        staying: What stays.

    Attributes:
        overrides: Those of the application's dependencies.
    """

    def __init__(self, handles: Handles, staying: Staying) -> None:
        self.handles = handles
        self.staying = staying
        self.overrides = Overrides(handles, staying, self.goes)
        self._clearing = Clearing(handles)
        self._making = Making(handles, staying)
        self._listeners = Listeners(handles, staying)
        self._patches = Patches(handles)
        self._asked: set[ast.AST] = set()

    def superseded(self, file: Path, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Return those statements of a body that are superseded as a whole."""
        found: list[ast.stmt] = []
        last_went = False
        for each in body:
            if self._is_commit(file, each):
                went = last_went
            elif isinstance(each, ast.Pass):
                went = False
            else:
                went = last_went = self.goes(file, each)
            if went:
                found.append(each)
        return [] if all(self._is_commit(file, each) for each in found) else found

    def goes_whole(self, file: Path, body: Sequence[ast.stmt]) -> bool:
        """Whether a body is superseded from its first statement to its last."""
        found = self.superseded(file, body)
        rest = [each for each in body if each not in found and not is_nothing(each)]
        return bool(found) and not rest

    def goes(self, file: Path, statement: ast.stmt) -> bool:
        """Whether a statement is superseded."""
        if (
            file in self.staying.closed
            or self.staying.is_shut(file, statement)
            or self.staying.is_blocked(file, statement)
        ):
            return False
        if isinstance(statement, ast.Expr):
            return self.goes_when_called(file, statement.value)
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
            return self._is_assigned(file, statement)
        if isinstance(statement, ast.Delete):
            return all(is_override(target) for target in statement.targets) and self.overrides.is_restored(
                file,
                statement,
                [target.slice for target in statement.targets if isinstance(target, ast.Subscript)],
            )
        if isinstance(statement, ast.If):
            others = not statement.orelse or self.goes_whole(file, statement.orelse)
            return others and self.goes_whole(file, statement.body)
        if isinstance(statement, ast.For | ast.AsyncFor | ast.While):
            return not statement.orelse and self.goes_whole(file, statement.body)
        if isinstance(statement, ast.With | ast.AsyncWith):
            return all(self.handles.of(file, item.context_expr) for item in statement.items) and (
                self.goes_whole(file, statement.body)
            )
        if isinstance(statement, ast.Try):
            blocks = [block for block in (statement.body, statement.finalbody) if block]
            return not statement.orelse and all(self.goes_whole(file, block) for block in blocks)
        return isinstance(statement, Function) and self._listeners.is_listener(file, statement)

    def is_emptied(self, file: Path, function: Function) -> bool:
        """Whether a function does nothing but what is superseded."""
        if function in self._asked or self.staying.is_shut(file, function):
            return False
        self._asked.add(function)
        try:
            found = self.superseded(file, function.body)
            rest = [each for each in function.body if each not in found]
            return bool(found) and all(is_nothing(each) or self._is_read_only(file, each) for each in rest)
        finally:
            self._asked.discard(function)

    def goes_when_called(self, file: Path, value: ast.expr | None) -> bool:
        """Whether a call is superseded, awaited or not."""
        call = awaited(value)
        if not isinstance(call, ast.Call):
            return False
        if isinstance(call.func, ast.Attribute):
            if call.func.attr in TABLES:
                given = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "bind")]
                return self._making.is_of_tables(file, call.func, given[0] if given else None)
            if self._is_of_handle(file, call, call.func):
                return True
        return (
            self._making.is_of_server(file, call)
            or self._making.migrates(file, call)
            or self._is_handed_on(file, call)
            or self._listeners.is_listening(file, call)
            or self.overrides.is_of_overrides(file, call)
            or self._patches.is_patch(file, call)
            or self._making.removes_a_file(call)
            or self._calls_emptied(file, call.func)
        )

    def _is_assigned(self, file: Path, statement: ast.Assign | ast.AnnAssign | ast.AugAssign) -> bool:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        value = statement.value
        if value is None:
            return False
        if all(map(is_override, targets)):
            return self.overrides.goes_as_override(file, statement)
        if all(last_name(target) == OWN for target in targets):
            return (
                isinstance(value, ast.Dict)
                and not value.keys
                and self.overrides.is_restored(file, statement, None)
            )
        if any(self._is_of_migrations(file, target) for target in targets):
            return True
        found = self.handles.of(file, value)
        if all(isinstance(target, ast.Name) for target in targets):
            if (
                isinstance(found, Handle)
                and isinstance(awaited(value), ast.Call)
                and not self.staying.is_held(found)
            ):
                return found.kind in ("connection", "transaction", "migrations") or (
                    found.kind == "engine"
                    and found.is_own
                    and not (self.staying.remade | self.staying.moved) & found.roots
                )
            return False
        return len(targets) == 1 and self._patches.leads(file, targets[0], value)

    def _is_of_migrations(self, file: Path, target: ast.expr) -> bool:
        while isinstance(target, ast.Subscript | ast.Attribute):
            target = target.value
            found = self.handles.of(file, target) if isinstance(target, ast.Name | ast.Attribute) else None
            if found is not None and found.kind == "migrations":
                return True
        return False

    def _calls_emptied(self, file: Path, node: ast.expr) -> bool:
        called = self.handles.function(file, node)
        if called is None:
            return False
        where, function = called
        return isinstance(function, Function) and self.is_emptied(where, function)

    def _is_of_handle(self, file: Path, call: ast.Call, function: ast.Attribute) -> bool:
        owner = self.handles.of(file, function.value)
        if (
            function.attr == "delete"
            and starts_at_query(function)
            and self._clearing.is_cleared(file, call, function)
        ):
            return True
        if owner is None:
            return False
        if function.attr in ENDS.get(owner.kind, ()):
            return not self.staying.is_held(owner) and not (
                owner.kind == "engine" and self.staying.remade & owner.roots
            )
        if owner.kind in ("connection", "session") and function.attr in RUNS and call.args:
            return self._clearing.is_clearing(file, call.args[0], call)
        if owner.kind == "connection" and function.attr == "execution_options":
            return True
        given = [word.value for word in call.keywords if word.arg == "bind"]
        bound = self.handles.of(file, given[0]) if given else None
        return owner.kind == "maker" and function.attr == "configure" and bool(bound and bound.roots)

    def _is_handed_on(self, file: Path, call: ast.Call) -> bool:
        """Whether something is called only to call what is superseded: ``run_sync(metadata.create_all)``."""
        if last_name(call.func) not in HANDING_ON:
            return False
        for index, each in enumerate(call.args):
            if isinstance(each, ast.Attribute) and each.attr in TABLES:
                owner = call.func.value if isinstance(call.func, ast.Attribute) else None
                return self._making.is_of_tables(file, each, owner)
            if isinstance(each, ast.Call) and self.goes_when_called(file, each):
                return True
            if isinstance(each, ast.Lambda) and self.goes_when_called(file, each.body):
                return True
            if isinstance(each, ast.Name | ast.Attribute):
                if outside(file, each, self.handles.symbols) in MIGRATES:
                    name = outside(file, each, self.handles.symbols)
                    return self._making.is_whole(file, call, name, call.args[index + 2 :])
                if self._calls_emptied(file, each):
                    return True
        return False

    def _is_commit(self, file: Path, statement: ast.stmt) -> bool:
        call = awaited(statement.value) if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            return False
        owner = self.handles.of(file, call.func.value) if call.func.attr in ("commit", "flush") else None
        is_one = owner is not None and owner.kind in ("session", "connection")
        return is_one and not self.staying.is_blocked(file, statement)

    def _is_read_only(self, file: Path, statement: ast.stmt) -> bool:
        """Whether a statement only names what the superseded ones use."""
        if not isinstance(statement, ast.Assign | ast.AnnAssign):
            return False
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return all(isinstance(each, ast.Name) for each in targets) and is_pure(statement.value)
