"""What empties tables and drops or makes databases by a statement of SQL, or deletes rows.

One with a condition counts only behind a ``yield``, where it takes out what its own test has put in.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from hermetic.migrate.steps.database.handles import Handles
from hermetic.migrate.steps.database.side_effects import awaited, text_of
from hermetic.source.bindings import own_nodes
from hermetic.source.syntax import last_name

CLEARS = re.compile(
    r"\s*(truncate\b|delete\s+from\b|drop\s+(table|schema)\b|create\s+schema\s+(if\s+not\s+exists\s+)?\"?public\b"
    r"|alter\s+sequence\b.*\brestart\b|set\s+(session_replication_role|foreign_key_checks)\b"
    r"|pragma\s+foreign_keys\s*=|select\s+pg_terminate_backend\b)",
    re.IGNORECASE | re.DOTALL,
)
MAKES = re.compile(r"\s*(create|drop)\s+database\b", re.IGNORECASE)


@dataclass
class Clearing:
    """Tells what clears tables.

    Args:
        handles: What expressions stand for.
    """

    handles: Handles

    def is_clearing(self, file: Path, statement: ast.expr, at: ast.AST) -> bool:
        """Whether what is executed clears tables, or makes or drops databases; rows of a test's own after a yield."""
        statement = awaited(statement) or statement
        if isinstance(statement, ast.Name):
            for scope in self.handles.bindings.scopes(file, statement):
                local = self.handles.bindings.local(scope).get(statement.id, [])
                if local:
                    return all(self.is_clearing(file, each.value, at) for each in local)
            return False
        if isinstance(statement, ast.Call) and last_name(statement.func) == "text" and statement.args:
            statement = statement.args[0]
        text = text_of(statement)
        if text is not None:
            has_condition = re.search(
                r"\bwhere\b", text, re.IGNORECASE
            ) and not text.lower().lstrip().startswith("select")
            return bool(MAKES.match(text) or CLEARS.match(text)) and (
                not has_condition or self._is_after_yield(file, at)
            )
        has_condition = False
        while isinstance(statement, ast.Call) and last_name(statement.func) in (
            "where",
            "filter",
            "execution_options",
        ):
            has_condition = has_condition or last_name(statement.func) != "execution_options"
            statement = statement.func.value if isinstance(statement.func, ast.Attribute) else statement
        is_delete = isinstance(statement, ast.Call) and last_name(statement.func) == "delete"
        return is_delete and (not has_condition or self._is_after_yield(file, at))

    def is_cleared(self, file: Path, call: ast.Call, function: ast.Attribute) -> bool:
        """Whether a ``delete()`` of a query takes out all rows, or those of a test's own after a yield."""
        chain = ast.unparse(function.value)
        return (".filter" not in chain and ".where" not in chain) or self._is_after_yield(file, call)

    def _is_after_yield(self, file: Path, node: ast.AST) -> bool:
        function = self.handles.bindings.function(file, node)
        return function is not None and any(
            isinstance(each, ast.Yield) and each.lineno < node.lineno  # type: ignore[attr-defined]
            for each in own_nodes(function)
        )


def starts_at_query(function: ast.expr) -> bool:
    """Whether a chain of calls begins with ``query``."""
    while isinstance(function, ast.Attribute | ast.Call):
        if isinstance(function, ast.Attribute) and function.attr == "query":
            return True
        function = function.value if isinstance(function, ast.Attribute) else function.func
    return False
