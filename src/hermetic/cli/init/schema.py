"""Find the metadata that describes the application's tables.

What counts is the module to import, not just the ``Base``: ``app.db:Base.metadata`` is empty until somebody imports
``app.models``. So among the modules in which the base is visible, the one is chosen whose own imports reach the most
tables.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hermetic.cli.init.migrations import runs_migrations
from hermetic.cli.init.models import SQLMODEL_BASE, find_tables, is_base
from hermetic.cli.init.roots import ImportRoot, find_root
from hermetic.cli.init.sources import Module, Place
from hermetic.cli.init.symbols import Reference, Symbols

SQLMODEL_TARGET = "sqlmodel:SQLModel.metadata"


@dataclass(frozen=True)
class Metadata:
    """One collection of tables.

    Attributes:
        target: What ``hermetic_schema`` would be: ``app.models:Base.metadata``.
        file: Where the base (or, for SQLModel, the first table) is defined.
        line: The line of that.
        tables: How many tables were counted.
    """

    target: str
    file: Path
    line: int
    tables: int


def find_metadata(symbols: Symbols, root: ImportRoot, application: Path) -> list[Metadata]:
    """List the metadata that hold tables, the one with the most tables first.

    Args:
        symbols: The project's names.
        root: Where imports of the application start; metadata that cannot be imported from there are left out.
        application: The application's module, which hermetic imports before it looks for the tables.
    """
    found = []
    for base, files in find_tables(symbols).items():
        target = _target(base, set(files), symbols, root, application)
        if target is not None:
            found.append(Metadata(target, *_place(base, files, symbols), tables=len(files)))
    return sorted(found, key=lambda metadata: (-metadata.tables, metadata.target))


def find_startup_tables(modules: Iterable[Module]) -> Place | None:
    """Return the first line of the application that creates tables when it runs: ``create_all``, CREATE TABLE."""
    for module in modules:
        if not (module.mentions("create_all") or b"CREATE TABLE" in module.text.upper()):
            continue
        calls = [node.lineno for node in module.of(ast.Attribute) if node.attr == "create_all"]
        statements = [node.lineno for node in module.of(ast.Constant) if _creates_a_table(node.value)]
        if calls or statements:
            return Place(module.path, min(calls + statements))
    return None


def _creates_a_table(value: object) -> bool:
    return isinstance(value, str) and value.lstrip()[:12].upper() == "CREATE TABLE"


def find_startup_migrations(symbols: Symbols, modules: Iterable[Module]) -> Place | None:
    """Return the first line of the application that runs Alembic: on tables that are there already, it would fail."""
    for module in modules:
        for node in module.nodes if module.mentions("upgrade") else ():
            if runs_migrations(node, module.path, symbols):
                assert isinstance(node, ast.expr)
                return Place(module.path, node.lineno)
    return None


def running_modules(symbols: Symbols, application: Path | None) -> list[Module]:
    """List the modules whose code a run of the application can come to, and not those of commands beside it.

    Args:
        symbols: The project's names.
        application: The application's module; None where it is not known, and any module may be its.
    """
    found = None if application is None else symbols.reached_when_run(application)
    return [module for module in symbols.sources.production if found is None or module.path in found]


def _target(
    base: Reference, files: set[Path], symbols: Symbols, root: ImportRoot, application: Path
) -> str | None:
    """Return ``module:name`` for the module that sees the base and whose import brings in the most tables."""
    if base == SQLMODEL_BASE and files <= symbols.reached(application):
        return SQLMODEL_TARGET
    choices = []
    for module in symbols.sources.production:
        name = _local_name(base, module, symbols)
        dotted = name and (root.dotted(module.path) or _dotted_beside(module.path, symbols))
        if dotted:
            missed = len(files - symbols.reached(module.path))
            rank = (missed, not _is_home(base, module.path), module.path not in files, len(dotted), dotted)
            choices.append((rank, f"{dotted}:{name}"))
    if not choices:
        return SQLMODEL_TARGET if base == SQLMODEL_BASE else None
    return min(choices)[1] + (".metadata" if base == SQLMODEL_BASE or is_base(base, symbols) else "")


def _dotted_beside(file: Path, symbols: Symbols) -> str | None:
    """Return the name of a module of another package of the repository, which has an import root of its own."""
    if file.is_relative_to(symbols.sources.root):
        return None
    root = find_root(file, symbols.sources)
    return root.dotted(file) if root else None


def _is_home(base: Reference, file: Path) -> bool:
    """Whether a file defines the base, or is a package around that."""
    if base.file is None:
        return False
    return file == base.file or (file.name == "__init__.py" and base.file.is_relative_to(file.parent))


def _local_name(base: Reference, module: Module, symbols: Symbols) -> str | None:
    scope = symbols.scope(module.path)
    return next((name for name in scope.names if symbols.lookup(module.path, name) == base), None)


def _place(base: Reference, files: list[Path], symbols: Symbols) -> tuple[Path, int]:
    definition = symbols.definition(base)
    if base.file is None or definition is None:
        return files[0], 1
    return base.file, definition.lineno
