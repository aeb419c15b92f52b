"""Find the metadata that describes the application's tables, or files of SQL, and where the application makes them.

What counts is the module to import, not just the ``Base``: ``app.db:Base.metadata`` is empty until somebody imports
``app.models``. So among the modules in which the base is visible, the one is chosen whose own imports reach the most
tables. An application without metadata and migrations is deployed with a file of SQL.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hermetic.code import TEST_FOLDERS
from hermetic.source.migrations import runs_migrations
from hermetic.source.models import SQLMODEL_BASE, Collection, behind, find_tables, is_metadata
from hermetic.source.modules import ASIDE_DIRECTORIES, Module, Place
from hermetic.source.roots import ImportRoot, find_root
from hermetic.source.sources import Sources, walk
from hermetic.source.symbols import Reference, Symbols
from hermetic.source.syntax import is_true, keyword

MAKING = frozenset({"create_all", "create_db_tables", "create_db_tables_sync", "generate_schemas"})
"""What makes tables where it is called: SQLAlchemy's, Piccolo's and Tortoise's."""
AERICH = "init_db"
"""What makes Tortoise's tables, called on aerich's ``Command``."""
GENERATING = "generate_schemas"
"""What makes them where it is true: of ``RegisterTortoise`` and ``register_tortoise``."""
CREATES_TABLE = re.compile(rb"^\s*CREATE\s+(?:UNLOGGED\s+)?TABLE\b", re.IGNORECASE | re.MULTILINE)
LARGEST_SQL = 4_000_000
"""Bytes of a file that are looked at: a dump makes its first table before it writes rows, and may have gigabytes."""

NOT_THE_APPLICATIONS = (ASIDE_DIRECTORIES | TEST_FOLDERS) - {"migrations"}
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

    Where a run of the application comes to some of them, those that it never comes to are a script's or an example's.

    Args:
        symbols: The project's names.
        root: Where imports of the application start; metadata that cannot be imported from there are left out.
        application: The application's module, which hermetic imports before it looks for the tables.
    """
    found = []
    collections = find_tables(symbols)
    running = symbols.reached_when_run(application)
    own = [each for each, collection in collections.items() if not running.isdisjoint(collection.files)]
    for base in own or collections:
        collection = collections[base]
        target = _target(base, collection, symbols, root, application)
        if target is not None:
            place = _place(collection, symbols)
            found.append(Metadata(target, *place, tables=len(collection.files)))
    return sorted(found, key=lambda metadata: (-metadata.tables, metadata.target))


def find_startup_tables(modules: Iterable[Module]) -> Place | None:
    """Return the first line of the application that creates tables when it runs, by a library or CREATE TABLE."""
    for module in modules:
        making = MAKING | {AERICH} if module.mentions("aerich") else MAKING
        if not (module.mentions(*making) or b"CREATE TABLE" in module.text.upper()):
            continue
        lines = [node.lineno for node in module.of(ast.Attribute) if node.attr in making]
        lines += [node.lineno for node in module.of(ast.Call) if _makes_tables(node)]
        lines += [node.lineno for node in module.of(ast.Constant) if _creates_a_table(node.value)]
        if lines:
            return Place(module.path, min(lines))
    return None


def _makes_tables(call: ast.Call) -> bool:
    is_named = isinstance(call.func, ast.Name) and call.func.id in MAKING
    return is_named or is_true(keyword(call, GENERATING))


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
    base: Reference, collection: Collection, symbols: Symbols, root: ImportRoot, application: Path
) -> str | None:
    """Return ``module:name`` for the module that sees the base and whose import brings in the most tables."""
    files = set(collection.files)
    if base == SQLMODEL_BASE and files <= symbols.reached(application):
        return SQLMODEL_TARGET
    choices = []
    for module in symbols.sources.production:
        name = _local_name(collection.names, module, symbols)
        dotted = name and (root.dotted(module.path) or _dotted_beside(module.path, symbols))
        if dotted:
            missed = len(files - symbols.reached(module.path))
            rank = (missed, not _is_home(base, module.path), module.path not in files, len(dotted), dotted)
            choices.append((rank, f"{dotted}:{name}"))
    if not choices:
        return SQLMODEL_TARGET if base == SQLMODEL_BASE else None
    return min(choices)[1] + ("" if is_metadata(base, symbols) else ".metadata")


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


def _local_name(bases: set[Reference], module: Module, symbols: Symbols) -> str | None:
    names = symbols.scope(module.path).names
    return next((name for name in names if _is_one(symbols.lookup(module.path, name), bases, symbols)), None)


def _is_one(reference: Reference | None, bases: set[Reference], symbols: Symbols) -> bool:
    return reference in bases or behind(reference, symbols) in bases


def _place(collection: Collection, symbols: Symbols) -> tuple[Path, int]:
    """Return where the base is defined, or the first table of a library's."""
    defined = ((each.file, symbols.definition(each)) for each in collection.names)
    places = [(file, found.lineno) for file, found in defined if file is not None and found is not None]
    return min(places, default=(collection.files[0], 1))


def find_sql(sources: Sources) -> list[Path]:
    """List the project's files of SQL that make tables, in the order of their names.

    Args:
        sources: The project.
    """
    found = []
    for here, folders, names in walk(sources.root):
        folders[:] = [name for name in folders if name not in NOT_THE_APPLICATIONS]
        files = (here / name for name in names if name.endswith(".sql"))
        found += [file for file in files if _has_tables(file)]
    return sorted(found)


def _has_tables(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            start = opened.read(LARGEST_SQL)
    except OSError:
        return False
    return CREATES_TABLE.search(start) is not None
