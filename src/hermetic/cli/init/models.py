"""Count the tables of each declarative base, ``MetaData`` and of SQLModel, from syntax trees.

A base without tables is nobody's schema, and a ``MetaData`` that is given to a base is the same collection as the
base's: so the tables are counted, not the bases.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from hermetic.cli.init.sources import Module
from hermetic.cli.init.symbols import Reference, Symbols

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
SQLMODEL_BASE = Reference(None, "sqlmodel.SQLModel")


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
        parent = symbols.resolve(reference.file, expression)
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
        reference = symbols.resolve(module.path, node.args[1])
        if reference is None:
            continue
        base = Reference(reference.file, reference.name.removesuffix(".metadata"))
        if reference.name.endswith(".metadata") and base.name in SQLMODEL and base.file is None:
            yield SQLMODEL_BASE
        elif is_base(base, symbols):
            yield base
        elif reference.file is not None and _is_metadata(reference, symbols):
            yield reference


def _is_metadata(reference: Reference, symbols: Symbols) -> bool:
    definition = symbols.definition(reference)
    assert reference.file is not None
    return isinstance(definition, ast.Call) and _stands_for(reference.file, definition, METADATA, symbols)
