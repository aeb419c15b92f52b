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
        elif isinstance(node, ast.Call) and depth:
            called = subject.symbols.resolve(file, node.func)
            definition = subject.symbols.definition(called)
            is_function = isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef)
            file_of = called.file if called is not None and is_function else None
            if (
                file_of is not None
                and definition is not None
                and _migration(definition, file_of, subject, depth - 1)
            ):
                return node
    return None
