"""Sessions and sessionmakers put on the engine that stands in for the one that they are on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from hermetic.migrate.steps.database.changes import Changes, Plan, names
from hermetic.migrate.steps.database.handles import MAKERS, Handle
from hermetic.migrate.steps.database.stand_ins import StandIns
from hermetic.migrate.steps.database.staying import Reason
from hermetic.source.fixtures import Function
from hermetic.source.syntax import keyword, last_name

LEFT_OUT = frozenset({"bind", "join_transaction_mode"})
OF_MAKERS = LEFT_OUT | {"class_", "autocommit", "future"}
CLASSES = {True: ("sqlalchemy.ext.asyncio", "AsyncSession"), False: ("sqlalchemy.orm", "Session")}


class Moves:
    """Puts sessions, and what uses an engine, on another one.

    Args:
        plan: What is planned so far.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._stand_ins = StandIns(plan)

    def moved(
        self, file: Path, changes: Changes, call: ast.Call, handle: Handle, inlined: set[ast.expr]
    ) -> Iterator[Reason]:
        """Put a session, or a sessionmaker, on the engine that stands in for the one that it is on."""
        if handle.connection is not None and handle.connection.node in self.plan.staying.held:
            return
        function: ast.expr = call.func
        words = list(call.keywords)
        maker = self.plan.handles.of(file, function) if not _is_class(call) else None
        if maker is not None and maker.made is not None and maker.made.node in inlined:
            if self._is_in_an_override(file, call):
                return
            made = maker.made.node
            assert isinstance(made, ast.Call)
            module, name = CLASSES[handle.is_async]
            of_class = keyword(made, "class_")
            text = ast.unparse(of_class) if of_class is not None else name
            if text not in self.plan.suite.symbols.scope(file).names:
                changes.imports[module, text] = None
            words = [word for word in made.keywords if word.arg not in OF_MAKERS] + words
        elif maker is not None and self._given(call) is None:
            return  # it is the maker that moves
        else:
            text = ast.unparse(function)
        engine = self._stand_ins.stand_in(file, self._given(call) or call, handle, changes)
        if isinstance(engine, Reason):
            yield engine
            return
        is_inlined = maker is not None and self._given(call) is None
        given = [engine] if is_inlined or (call.args and keyword(call, "bind") is None) else []
        given += [
            f"bind={engine}" if word.arg == "bind" else ast.unparse(word)
            for word in words
            if word.arg not in LEFT_OUT - {"bind"}
        ]
        new = f"{text}({', '.join(given)})"
        if new != ast.unparse(call):
            changes.replaced[call] = new

    def in_place(self, file: Path, changes: Changes, node: ast.expr, handle: Handle) -> Iterator[Reason]:
        """Put the engine that stands in where the suite's own is used."""
        if self._is_parameter_of_test(file, node):
            return
        engine = self._stand_ins.stand_in(file, node, handle, changes)
        if isinstance(engine, Reason):
            yield engine
        elif ast.unparse(node) != engine:
            changes.replaced[node] = engine

    def inlined_makers(self) -> set[ast.expr]:
        """Return the sessionmakers at the top of a module that only fixtures call: sessions are made without them."""
        anchored: set[ast.expr] = set()
        seen: set[ast.expr] = set()
        for path in self.plan.concerned:
            for node in self.plan.kept(path, self.plan.suite.symbols.sources.modules[path].tree.body):
                handle = self.plan.handles.of(path, node) if isinstance(node, ast.Name) else None
                if handle is None or handle.kind != "maker" or handle.made is None or not handle.is_own:
                    continue
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    continue
                made = handle.made
                outer = self.plan.handles.bindings.parents(path).get(node)
                is_call = isinstance(outer, ast.Call) and outer.func is node
                is_top = self.plan.handles.bindings.function(made.file, made.node) is None
                is_plain = isinstance(made.node, ast.Call) and last_name(made.node.func) in MAKERS
                is_spelt = made.file == path or all(
                    isinstance(word.value, ast.Constant) or word.arg in LEFT_OUT
                    for word in getattr(made.node, "keywords", [])
                )
                seen.add(made.node)
                fixture = self.plan.fixture_around(path, node)
                is_made_there = is_call and is_top and is_plain and is_spelt and fixture and handle.is_async
                if not is_made_there and not self._is_in_an_override(path, node):
                    anchored.add(made.node)
        return seen - anchored

    def _given(self, call: ast.Call) -> ast.expr | None:
        return keyword(call, "bind") or (call.args[0] if call.args else None)

    def _is_parameter_of_test(self, file: Path, node: ast.expr) -> bool:
        function = self.plan.handles.bindings.function(file, node)
        if not isinstance(node, ast.Name) or function is None or function not in self.plan.tests:
            return False
        return self.plan.handles.fixture_of(file, function, node.id) is not None

    def _is_in_an_override(self, file: Path, node: ast.AST) -> bool:
        """Whether a node stands in a function that nothing uses any more once the overrides are gone."""
        function = self.plan.handles.bindings.function(file, node)
        if (
            not isinstance(function, Function)
            or function in self.plan.fixtures
            or function in self.plan.tests
        ):
            return False
        return not any(
            names(each, function.name) or (isinstance(each, ast.Attribute) and each.attr == function.name)
            for path in self.plan.changes
            for each in self.plan.kept(path, self.plan.suite.symbols.sources.modules[path].tree.body)
        )


def _is_class(call: ast.Call) -> bool:
    return last_name(call.func) in MAKERS or last_name(call.func).endswith("Session")
