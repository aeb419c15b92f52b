"""Find out whether migrations need tables that none of them makes.

Where Alembic came to a database that was there already, its first migration alters tables, and nothing ever made them:
on an empty database it fails, and what makes the tables is the metadata. Told only where it is certain: of the one
migration that is the first, up to its first step that says not by itself what it does.
"""

from __future__ import annotations

import ast
from pathlib import Path

from hermetic.source.migrations import Migrations
from hermetic.source.modules import Module, Place
from hermetic.source.sources import Sources
from hermetic.source.syntax import assignments, is_constant_alone, is_none, keyword, literal, statements

OPERATIONS = "op"
NEEDING = {
    "add_column": 0,
    "alter_column": 0,
    "batch_alter_table": 0,
    "create_foreign_key": 1,
    "create_index": 1,
    "create_unique_constraint": 1,
    "drop_column": 0,
    "drop_constraint": 1,
    "drop_index": 1,
    "drop_table": 0,
    "rename_table": 0,
}
"""What works on a table that is there, and which of its arguments names it."""
NAMES = ("table_name", "source_table", "old_table_name")


def find_needed_table(sources: Sources, migrations: Migrations) -> Place | None:
    """Return the line of the first migration that works on a table which nothing has made; None if none surely does.

    Args:
        sources: The project.
        migrations: What Alembic is configured by.
    """
    folder = migrations.file.parent
    beside = [module for path, module in sources.modules.items() if path.is_relative_to(folder)]
    scripts = [module for module in beside if module.mentions("down_revision")]
    first = [module for module in scripts if _is_first(module)]
    environments = [module for module in beside if module.path.name == "env.py"]
    if len(first) != 1 or any(module.mentions("create_all") for module in environments):
        return None
    upgrades = [each for each in first[0].of(ast.FunctionDef) if each.name == "upgrade"]
    return _needed(first[0].path, upgrades[0]) if len(upgrades) == 1 else None


def _is_first(module: Module) -> bool:
    pairs = (pair for statement in statements(module.tree.body) for pair in assignments(statement))
    return any(name == "down_revision" and is_none(value) for name, value in pairs)


def _needed(file: Path, upgrade: ast.FunctionDef) -> Place | None:
    made: set[str | None] = set()
    for statement in upgrade.body:
        call = _operation(statement)
        if call is None:
            if isinstance(statement, ast.Pass) or is_constant_alone(statement):
                continue
            return None
        assert isinstance(call.func, ast.Attribute)
        table = _table(call, NEEDING.get(call.func.attr, 0))
        if call.func.attr == "create_table":
            made.add(table)
        elif call.func.attr not in NEEDING or table is None or keyword(call, "if_exists"):
            return None
        elif table not in made:
            return Place(file, statement.lineno)
    return None


def _operation(statement: ast.stmt) -> ast.Call | None:
    """Return the call of one of Alembic's operations that a statement is, or that it opens a block with."""
    value: ast.expr | None = None
    if isinstance(statement, ast.Expr):
        value = statement.value
    elif isinstance(statement, ast.With):
        value = statement.items[0].context_expr
    function = value.func if isinstance(value, ast.Call) else None
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        assert isinstance(value, ast.Call)
        return value if function.value.id == OPERATIONS else None
    return None


def _table(call: ast.Call, position: int) -> str | None:
    named = next((each for name in NAMES if (each := keyword(call, name)) is not None), None)
    return literal(call.args[position] if named is None and len(call.args) > position else named)
