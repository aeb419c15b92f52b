"""Dependency overrides that give the application a session of the suite, and what sets and ends them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.migrate.steps.database.handles import Handles
from hermetic.migrate.steps.database.side_effects import awaited, is_nothing
from hermetic.migrate.steps.database.staying import Staying
from hermetic.source.fixtures import Function
from hermetic.source.modules import Module
from hermetic.source.symbols import Symbols
from hermetic.source.syntax import last_name, statements

OWN = "dependency_overrides"


@dataclass
class Overrides:
    """Tells overrides that go.

    Args:
        handles: What expressions stand for.
        staying: What stays.
        goes: Whether a statement of a file is superseded.
    """

    handles: Handles
    staying: Staying
    goes: Callable[[Path, ast.stmt], bool]

    def set_by(self, file: Path, body: Iterable[ast.stmt]) -> Iterator[tuple[ast.stmt, ast.expr, bool]]:
        """Yield the overrides that a body sets: the statement, the dependency, and whether it is of a session."""
        for each in statements(list(body)):
            for target in each.targets if isinstance(each, ast.Assign) else ():
                if is_override(target) and isinstance(each, ast.Assign) and isinstance(target, ast.Subscript):
                    yield each, target.slice, self.is_session(file, each.value)
            call = each.value if isinstance(each, ast.Expr) else None
            if isinstance(call, ast.Call) and last_name(call.func) in ("update", "setitem"):
                for key, value in _updated(call):
                    yield each, key, self.is_session(file, value)

    def is_session(self, file: Path, value: ast.expr) -> bool:
        """Whether an override hands out the suite's session, and does nothing else."""
        found = self.handles.handed_out(file, value)
        if found is None or found.kind not in ("session", "maker", "engine", "connection"):
            return False
        if found.made is not None and found.made.node in self.staying.lent:
            return False
        called = self.handles.function(file, value)
        if called is None:
            return True
        where, function = called
        return isinstance(function, ast.Lambda) or all(
            self._is_plumbing(where, each) for each in statements(function.body)
        )

    def goes_as_override(self, file: Path, statement: ast.stmt) -> bool:
        """Whether a statement sets overrides, and all of them are of sessions of the suite."""
        told = [is_session for each, _, is_session in self.set_by(file, [statement])]
        return bool(told) and all(told)

    def is_restored(self, file: Path, statement: ast.stmt, keys: list[ast.expr] | None) -> bool:
        """Whether what ends overrides ends none but those that go.

        Args:
            file: The file.
            statement: What ends them.
            keys: The dependencies; None for all.
        """
        function = self.handles.bindings.function(file, statement)
        body = (
            function.body
            if isinstance(function, Function)
            else self.handles.symbols.sources.modules[file].tree.body
        )
        set_there = list(self.set_by(file, body))
        going = {
            ast.unparse(key) for each, key, is_session in set_there if is_session and self.goes(file, each)
        }
        if keys is None:
            return bool(going) and going == {ast.unparse(key) for _, key, _ in set_there}
        return all(ast.unparse(key) in going for key in keys)

    def is_of_overrides(self, file: Path, call: ast.Call) -> bool:
        """Whether a call sets overrides that go, or ends none but those."""
        function = call.func
        if last_name(function) == "setitem" and len(call.args) == 3 and last_name(call.args[0]) == OWN:
            return self.is_session(file, call.args[2])
        if not isinstance(function, ast.Attribute) or last_name(function.value) != OWN:
            return False
        statement = self._statement(file, call)
        if function.attr == "update":
            return self.goes_as_override(file, statement)
        if function.attr == "clear":
            return self.is_restored(file, statement, None)
        return function.attr == "pop" and bool(call.args) and self.is_restored(file, statement, call.args[:1])

    def _is_plumbing(self, file: Path, statement: ast.stmt) -> bool:
        """Whether a statement of an override opens, hands out or ends a session, and nothing else."""
        if is_nothing(statement) or self.goes(file, statement):
            return True
        if isinstance(statement, ast.With | ast.AsyncWith):
            return all(self.handles.of(file, item.context_expr) for item in statement.items)
        if isinstance(statement, ast.AsyncFor | ast.For):
            return self.handles.of(file, statement.iter) is not None
        if isinstance(statement, ast.Try | ast.Raise | ast.Return | ast.Nonlocal | ast.Global | ast.If):
            return True
        value = getattr(statement, "value", None)
        if isinstance(statement, ast.Assign | ast.AnnAssign) and value is not None:
            return self.handles.of(file, value) is not None
        value = awaited(value)
        if isinstance(value, ast.Yield | ast.YieldFrom):
            return True
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            return self.handles.of(file, value.func.value) is not None
        return False

    def _statement(self, file: Path, node: ast.AST) -> ast.stmt:
        return next(each for each in self.handles.bindings.around(file, node) if isinstance(each, ast.stmt))


@dataclass(frozen=True)
class Entry:
    """An entry of a dictionary of overrides, which somebody applies somewhere.

    Attributes:
        dictionary: The dictionary.
        key: What names the dependency, a function.
        value: What stands in its place.
        file: Where the dependency is defined.
    """

    dictionary: ast.Dict
    key: ast.expr
    value: ast.expr
    file: Path


def entries(module: Module, symbols: Symbols) -> Iterator[Entry]:
    """Yield the entries of a module's dictionaries of overrides."""
    for node in module.of(ast.Dict) if b"overrid" in module.text else ():
        for key, value in zip(node.keys, node.values, strict=True):
            found = symbols.resolve(module.path, key) if key is not None else None
            is_function = isinstance(symbols.definition(found), Function)
            if key is not None and found is not None and found.file is not None and is_function:
                yield Entry(node, key, value, found.file)


def is_override(target: ast.expr) -> bool:
    """Whether something is the place of one override."""
    return isinstance(target, ast.Subscript) and last_name(target.value) == OWN


def _updated(call: ast.Call) -> Iterator[tuple[ast.expr, ast.expr]]:
    if last_name(call.func) == "setitem" and len(call.args) == 3 and last_name(call.args[0]) == OWN:
        yield call.args[1], call.args[2]
    if isinstance(call.func, ast.Attribute) and last_name(call.func.value) == OWN and call.args:
        given = call.args[0]
        for key, value in zip(given.keys, given.values, strict=True) if isinstance(given, ast.Dict) else ():
            if key is not None:
                yield key, value
