"""The rule about migrations: tables that hermetic has made are there already."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from hermetic.doctor.subject import Spot, Subject, spot
from hermetic.source.environ import outside
from hermetic.source.migrations import MAIN, runs_migrations
from hermetic.source.syntax import nodes_of


def migrated_twice(subject: Subject) -> Iterator[Spot]:
    """A fixture that runs Alembic, where ``hermetic_schema`` has made the tables already."""
    lines = subject.configuration.lines("hermetic_schema")
    schema = [line.strip() for line in lines if line.strip()]
    if not subject.is_on or not schema or not all(_is_metadata_or_sql(each, subject) for each in schema):
        return
    for fixture in subject.suite.fixtures:
        if subject.suite.is_used(fixture):
            node = _migration(fixture.function, fixture.file, subject)
            if node is not None:
                text = (
                    f"{fixture.name} runs the migrations, and hermetic_schema = {', '.join(schema)} has made the"
                    " tables: already exists"
                )
                yield spot(fixture.file, node, text)


def _is_metadata_or_sql(entry: str, subject: Subject) -> bool:
    """Whether a line of ``hermetic_schema`` makes the tables and no migration has been run then."""
    entry = entry.partition("->")[0].strip()
    if entry.endswith(".sql"):
        return True
    module, _, name = entry.partition(":")
    file = subject.symbols.locate(module, subject.sources.root / "conftest.py") if name else None
    is_function = file is not None and isinstance(
        subject.symbols.scope(file).definitions.get(name), ast.FunctionDef | ast.AsyncFunctionDef
    )
    return file is not None and not is_function


UNDOING = frozenset({"drop_all", "stamp"})


def _migration(function: ast.AST, file: Path, subject: Subject, depth: int = 3) -> ast.expr | None:
    """Return where a function runs migrations in this process, itself or by one that it calls.

    None where it has dropped the tables before, or marks the migrations as run.
    """
    nodes = nodes_of(function)
    if any(isinstance(node, ast.Attribute) and node.attr in UNDOING for node in nodes):
        return None
    for node in nodes:
        if isinstance(node, ast.expr) and runs_migrations(node, file, subject.symbols):
            if not isinstance(node, ast.Call) or outside(file, node.func, subject.symbols) == MAIN:
                return node
        elif isinstance(node, ast.Call) and depth and _is_migrating(node, file, subject, depth - 1):
            return node
    return None


def _is_migrating(call: ast.Call, file: Path, subject: Subject, depth: int) -> bool:
    """Whether a function of the project that is called runs migrations."""
    called = subject.symbols.resolve(file, call.func)
    function = subject.symbols.definition(called)
    if (
        called is None
        or called.file is None
        or not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    ):
        return False
    return _migration(function, called.file, subject, depth) is not None
