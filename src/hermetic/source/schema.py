"""Find the metadata that describes the application's tables, or files of SQL, and where the application makes them.

A base without tables is nobody's schema, and a ``MetaData`` that is given to a base is the same collection as the
base's: so the tables are counted, not the bases. And what counts is the module to import, not just the ``Base``:
``app.db:Base.metadata`` is empty until somebody imports ``app.models``. So among the modules in which the base is
visible, the one is chosen whose own imports reach the most tables. An application without metadata and migrations is
deployed with a file of SQL.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.code import TEST_FOLDERS
from hermetic.source.migrations import runs_migrations
from hermetic.source.modules import ASIDE_DIRECTORIES, Module, Place
from hermetic.source.roots import ImportRoot, find_root
from hermetic.source.sources import Sources, walk
from hermetic.source.symbols import Reference, Symbols

DECLARATIVE = frozenset(
    {
        "sqlalchemy.orm.DeclarativeBase",
        "sqlalchemy.orm.DeclarativeBaseNoMeta",
        "sqlalchemy.orm.declarative_base",
        "sqlalchemy.orm.decl_api.declarative_base",
        "sqlalchemy.orm.decl_api.DeclarativeBase",
        "sqlalchemy.ext.declarative.declarative_base",
        "sqlalchemy.orm.as_declarative",
        "sqlalchemy.ext.declarative.as_declarative",
    }
)
SQLMODEL = frozenset({"sqlmodel.SQLModel", "sqlmodel.main.SQLModel"})
METADATA = frozenset({"sqlalchemy.MetaData", "sqlalchemy.schema.MetaData", "sqlalchemy.sql.schema.MetaData"})
TABLE = frozenset({"sqlalchemy.Table", "sqlalchemy.schema.Table", "sqlalchemy.sql.schema.Table"})
MAKING = frozenset({"create_all", "create_db_tables", "create_db_tables_sync", "generate_schemas"})
"""What makes tables where it is called: SQLAlchemy's, Piccolo's and Tortoise's."""
GENERATING = "generate_schemas"
"""What makes them where it is true: of ``RegisterTortoise`` and ``register_tortoise``."""
SQLMODEL_BASE = Reference(None, "sqlmodel.SQLModel")

CREATES_TABLE = re.compile(rb"^\s*CREATE\s+(?:UNLOGGED\s+)?TABLE\b", re.IGNORECASE | re.MULTILINE)
LARGEST_SQL = 4_000_000
"""Bytes of a file that are looked at: a dump makes its first table before it writes rows, and may have gigabytes."""

NOT_THE_APPLICATIONS = (ASIDE_DIRECTORIES | TEST_FOLDERS) - {"migrations"}


def find_tables(symbols: Symbols) -> dict[Reference, list[Path]]:
    """Map each base or MetaData to the files of its tables, a file once for each table."""
    tables: dict[Reference, list[Path]] = defaultdict(list)
    aliases: dict[Reference, Reference] = {}
    for module in symbols.sources.production:
        for name, definition in symbols.scope(module.path).definitions.items():
            base = Reference(module.path, name)
            for metadata in _given_metadata(module.path, definition, symbols):
                if is_base(base, symbols):
                    aliases[metadata] = base
    for module in symbols.sources.production:
        for base in _model_bases(module, symbols):
            tables[base].append(module.path)
        for metadata in _table_metadata(module, symbols):
            tables[aliases.get(metadata, metadata)].append(module.path)
    return tables


def is_base(reference: Reference, symbols: Symbols) -> bool:
    """Whether a reference is a declarative base of the project: by class, by decorator, or by function."""
    definition = symbols.definition(reference)
    file = reference.file
    if file is None or definition is None:
        return False
    parts: list[ast.expr] = []
    if isinstance(definition, ast.ClassDef):
        parts = [*definition.bases, *definition.decorator_list]
    elif isinstance(definition, ast.Call):
        if isinstance(definition.func, ast.Attribute) and definition.func.attr == "generate_base":
            return True
        parts = [definition]
    return any(_stands_for(file, part, DECLARATIVE, symbols) for part in parts)


def _stands_for(file: Path, part: ast.expr, names: frozenset[str], symbols: Symbols) -> bool:
    reference = symbols.resolve(file, part.func if isinstance(part, ast.Call) else part)
    return reference is not None and reference.file is None and reference.name in names


def _model_bases(module: Module, symbols: Symbols) -> Iterator[Reference]:
    """Yield, for each class of a module that maps a table, the base that it hangs on."""
    for name, definition in symbols.scope(module.path).definitions.items():
        if not isinstance(definition, ast.ClassDef):
            continue
        own = Reference(module.path, name)
        base = _root_base(own, symbols, frozenset())
        if base == SQLMODEL_BASE:
            if any(word.arg == "table" and _is_true(word.value) for word in definition.keywords):
                yield base
        elif base is not None and base != own and not _is_abstract(definition):
            yield base


def _root_base(reference: Reference, symbols: Symbols, seen: frozenset[Reference]) -> Reference | None:
    if reference.file is None:
        return SQLMODEL_BASE if reference.name in SQLMODEL else None
    if is_base(reference, symbols):
        return reference
    definition = symbols.definition(reference)
    if reference in seen or not isinstance(definition, ast.ClassDef):
        return None
    for expression in definition.bases:
        plain = expression.value if isinstance(expression, ast.Subscript) else expression
        parent = symbols.resolve(reference.file, plain)
        root = _root_base(parent, symbols, seen | {reference}) if parent else None
        if root is not None:
            return root
    return None


def _is_abstract(definition: ast.ClassDef) -> bool:
    return any(
        isinstance(statement, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == "__abstract__" for target in statement.targets)
        and _is_true(statement.value)
        for statement in definition.body
    )


def _is_true(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


def _given_metadata(file: Path, definition: ast.AST, symbols: Symbols) -> Iterator[Reference]:
    """Yield the MetaData of the project that a base is given: ``metadata = m``, ``declarative_base(metadata=m)``."""
    values: list[ast.expr] = []
    if isinstance(definition, ast.ClassDef):
        for statement in definition.body:
            targets = statement.targets if isinstance(statement, ast.Assign) else []
            if any(isinstance(target, ast.Name) and target.id == "metadata" for target in targets):
                assert isinstance(statement, ast.Assign)
                values.append(statement.value)
    elif isinstance(definition, ast.Call):
        values = [word.value for word in definition.keywords if word.arg == "metadata"]
    for value in values:
        reference = symbols.resolve(file, value)
        if reference is not None:
            yield reference


def _table_metadata(module: Module, symbols: Symbols) -> Iterator[Reference]:
    """Yield, for each ``Table(name, metadata, ...)``, that metadata (its base, for ``Base.metadata``)."""
    for node in module.of(ast.Call) if module.mentions("Table") else ():
        if len(node.args) < 2:
            continue
        if not _stands_for(module.path, node, TABLE, symbols):
            continue
        reference = _behind(symbols.resolve(module.path, node.args[1]), symbols)
        if reference is None:
            continue
        base = Reference(reference.file, reference.name.removesuffix(".metadata"))
        if reference.name.endswith(".metadata") and base.name in SQLMODEL and base.file is None:
            yield SQLMODEL_BASE
        elif is_base(base, symbols):
            yield base
        elif reference.file is not None and _is_metadata(reference, symbols):
            yield reference


def _behind(reference: Reference | None, symbols: Symbols) -> Reference | None:
    """Return what a name stands for that is another word for it: ``metadata = Base.metadata``."""
    definition = symbols.definition(reference)
    if reference is None or reference.file is None or not isinstance(definition, ast.Attribute):
        return reference
    return symbols.resolve(reference.file, definition) or reference


def _is_metadata(reference: Reference, symbols: Symbols) -> bool:
    definition = symbols.definition(reference)
    assert reference.file is not None
    return isinstance(definition, ast.Call) and _stands_for(reference.file, definition, METADATA, symbols)


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
    """Return the first line of the application that creates tables when it runs, by a library or CREATE TABLE."""
    for module in modules:
        if not (module.mentions(*MAKING, GENERATING) or b"CREATE TABLE" in module.text.upper()):
            continue
        lines = [node.lineno for node in module.of(ast.Attribute) if node.attr in MAKING]
        lines += [node.lineno for node in module.of(ast.Call) if _makes_tables(node)]
        lines += [node.lineno for node in module.of(ast.Constant) if _creates_a_table(node.value)]
        if lines:
            return Place(module.path, min(lines))
    return None


def _makes_tables(call: ast.Call) -> bool:
    is_named = isinstance(call.func, ast.Name) and call.func.id in MAKING
    return is_named or any(word.arg == GENERATING and _is_true(word.value) for word in call.keywords)


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
