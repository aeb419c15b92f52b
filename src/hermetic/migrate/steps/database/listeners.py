"""Listeners on an engine or a session of the suite that keep SAVEPOINTs going."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hermetic.migrate.steps.database.handles import Handles
from hermetic.migrate.steps.database.side_effects import is_nothing
from hermetic.migrate.steps.database.staying import Staying
from hermetic.source.environ import outside
from hermetic.source.fixtures import Function
from hermetic.source.syntax import literal


@dataclass
class Listeners:
    """Tells listeners that go.

    Args:
        handles: What expressions stand for.
        staying: Where it is noted what stays.
    """

    handles: Handles
    staying: Staying

    def is_listening(self, file: Path, call: ast.Call) -> bool:
        """Whether a call adds or removes a listener that goes."""
        name = outside(file, call.func, self.handles.symbols)
        if name not in ("sqlalchemy.event.listen", "sqlalchemy.event.remove") or len(call.args) < 2:
            return False
        return self._is_of_savepoints(file, call, call.args)

    def is_listener(self, file: Path, function: Function) -> bool:
        """Whether a function is a listener that goes, by its decorator."""
        for each in function.decorator_list:
            name = outside(file, each.func, self.handles.symbols) if isinstance(each, ast.Call) else ""
            if isinstance(each, ast.Call) and name == "sqlalchemy.event.listens_for" and len(each.args) > 1:
                return self._is_of_savepoints(file, function, each.args)
        return False

    def _is_of_savepoints(self, file: Path, node: ast.AST, args: Sequence[ast.expr]) -> bool:
        target, event = self.handles.of(file, args[0]), literal(args[1])
        if event == "after_transaction_end":
            return True
        if target is None or not target.is_own:
            return False
        if event in ("connect", "begin") and _is_for_savepoints(node, args, self.handles, file):
            return True
        self.staying.note(
            "HM864", file, node, f"a listener for {event!r} on the engine of the tests", target.roots
        )
        return False


def _is_for_savepoints(node: ast.AST, args: Sequence[ast.expr], handles: Handles, file: Path) -> bool:
    """Whether a listener is the one that makes SAVEPOINT work with SQLite's driver, as SQLAlchemy's manual has it."""
    if not isinstance(node, Function):
        found = handles.function(file, args[2]) if len(args) > 2 else None
        if found is None or isinstance(found[1], ast.Lambda):
            return False
        node = found[1]
    code = " ".join(ast.unparse(each) for each in node.body if not is_nothing(each))
    return (
        re.fullmatch(r"\w+\.isolation_level = None|\w+\.exec(ute|_driver_sql)\(.*BEGIN.*\)", code) is not None
    )
