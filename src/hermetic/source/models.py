"""Find a project's tables: models, however they are mapped, and each ``Table``, by their base or ``MetaData``.

A base without tables is nobody's schema, and a ``MetaData`` or a registry that is given to a base is the same
collection as the base's: so the tables are counted, not the bases. Where a library has the base, each model leads to
its ``MetaData``.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hermetic.source.modules import Module
from hermetic.source.symbols import Reference, Symbols
from hermetic.source.syntax import assignments, is_true

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
        "sqlalchemy.orm.registry",
        "sqlalchemy.orm.decl_api.registry",
    }
)
SQLMODEL = frozenset({"sqlmodel.SQLModel", "sqlmodel.main.SQLModel"})
METADATA = frozenset({"sqlalchemy.MetaData", "sqlalchemy.schema.MetaData", "sqlalchemy.sql.schema.MetaData"})
MAPPING = frozenset({"mapped", "mapped_as_dataclass"})
"""The methods of a registry that make models of classes."""
GIVEN = frozenset({"metadata", "registry"})
"""What a base may be given, and has its tables in."""
TABLE = frozenset({"sqlalchemy.Table", "sqlalchemy.schema.Table", "sqlalchemy.sql.schema.Table"})
SQLMODEL_BASE = Reference(None, "sqlmodel.SQLModel")


@dataclass
class Collection:
    """The tables of one base or MetaData.

    Attributes:
        files: Where they are, a file once for each table.
        names: What leads to their MetaData: the base, itself, or, where a library has the base, each model.
    """

    files: list[Path] = field(default_factory=list)
    names: set[Reference] = field(default_factory=set)


def find_tables(symbols: Symbols) -> dict[Reference, Collection]:
    """Map each base or MetaData to its tables; a library's base is told by the library's name."""
    tables: dict[Reference, Collection] = defaultdict(Collection)
    aliases: dict[Reference, Reference] = {}
    for module in symbols.sources.production:
        for name, definition in symbols.scope(module.path).definitions.items():
            base = Reference(module.path, name)
            for given in _given(module.path, definition, symbols):
                if given != base and is_base(base, symbols):
                    aliases[given] = base
    for module in symbols.sources.production:
        for model, base in _models(module, symbols):
            found = tables[_known_as(base, aliases)]
            found.files.append(module.path)
            if base.file is None and base != SQLMODEL_BASE:
                found.names.add(model)
        for metadata in _table_metadata(module, symbols):
            tables[_known_as(metadata, aliases)].files.append(module.path)
    for base, collection in tables.items():
        collection.names = collection.names or {base}
    return tables


def _known_as(reference: Reference, aliases: dict[Reference, Reference]) -> Reference:
    """Return the base that has a MetaData or a registry, be it by way of another."""
    seen = {reference}
    while reference in aliases and aliases[reference] not in seen:
        reference = aliases[reference]
        seen.add(reference)
    return reference


def is_base(reference: Reference, symbols: Symbols) -> bool:
    """Whether a reference is a declarative base of the project, by class, decorator or function, or a registry."""
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


def _models(module: Module, symbols: Symbols) -> Iterator[tuple[Reference, Reference]]:
    """Yield each class of a module that maps a table, and the base or registry that it hangs on."""
    for name, definition in symbols.scope(module.path).definitions.items():
        if not isinstance(definition, ast.ClassDef):
            continue
        own = Reference(module.path, name)
        base = _root_base(own, symbols, frozenset()) or _decorating(module.path, definition, symbols)
        if base == SQLMODEL_BASE:
            if any(word.arg == "table" and is_true(word.value) for word in definition.keywords):
                yield own, base
        elif base is None:
            library = _library_of(own, symbols, frozenset()) if _names_its_table(definition) else None
            if library is not None:
                yield own, library
        elif base != own and not _is_abstract(definition):
            yield own, base


def _root_base(reference: Reference, symbols: Symbols, seen: frozenset[Reference]) -> Reference | None:
    if reference.file is None:
        return SQLMODEL_BASE if reference.name in SQLMODEL else None
    if is_base(reference, symbols):
        return reference
    for parent in _parents(reference, symbols) if reference not in seen else ():
        root = _root_base(parent, symbols, seen | {reference})
        if root is not None:
            return root
    return None


def _library_of(reference: Reference, symbols: Symbols, seen: frozenset[Reference]) -> Reference | None:
    """Return the library that has the base of a class, as its top package: its bases share one MetaData."""
    if reference.file is None:
        return Reference(None, reference.name.partition(".")[0])
    parents = _parents(reference, symbols) if reference not in seen else ()
    found = (_library_of(parent, symbols, seen | {reference}) for parent in parents)
    return next((library for library in found if library is not None), None)


def _parents(reference: Reference, symbols: Symbols) -> Iterator[Reference]:
    """Yield what a class inherits from, and what a name is another one for: ``Base = Model``."""
    definition = symbols.definition(reference)
    assert reference.file is not None, "only a file of the project's has definitions"
    for expression in _inherited(definition):
        plain = expression.value if isinstance(expression, ast.Subscript) else expression
        parent = symbols.resolve(reference.file, plain)
        if parent is not None:
            yield parent


def _inherited(definition: ast.AST | None) -> list[ast.expr]:
    if isinstance(definition, ast.ClassDef):
        return definition.bases
    return [definition] if isinstance(definition, ast.Name) else []


def _decorating(file: Path, definition: ast.ClassDef, symbols: Symbols) -> Reference | None:
    """Return the registry whose ``mapped`` or ``mapped_as_dataclass`` decorates a class."""
    for decorator in definition.decorator_list:
        found = symbols.resolve(file, decorator.func if isinstance(decorator, ast.Call) else decorator)
        owner, _, name = found.name.rpartition(".") if found else ("", "", "")
        if found and name in MAPPING and is_base(Reference(found.file, owner), symbols):
            return Reference(found.file, owner)
    return None


def _names_its_table(definition: ast.ClassDef) -> bool:
    return any(name == "__tablename__" for line in definition.body for name, _ in assignments(line))


def _is_abstract(definition: ast.ClassDef) -> bool:
    pairs = (pair for line in definition.body for pair in assignments(line))
    return any(name == "__abstract__" and is_true(value) for name, value in pairs)


def _given(file: Path, definition: ast.AST, symbols: Symbols) -> Iterator[Reference]:
    """Yield the MetaData or registry of the project that a base is given.

    ``metadata = m`` and ``registry = r`` in a class, ``declarative_base(metadata=m)``, ``r.generate_base()``.
    """
    values: list[ast.expr] = []
    if isinstance(definition, ast.ClassDef):
        pairs = (pair for line in definition.body for pair in assignments(line))
        values = [value for name, value in pairs if name in GIVEN]
    elif isinstance(definition, ast.Call):
        values = [word.value for word in definition.keywords if word.arg in GIVEN]
        if isinstance(definition.func, ast.Attribute) and definition.func.attr == "generate_base":
            values.append(definition.func.value)
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
        reference = behind(symbols.resolve(module.path, node.args[1]), symbols)
        if reference is None:
            continue
        owner = Reference(reference.file, reference.name.removesuffix(".metadata"))
        base = behind(owner, symbols) or owner
        if reference.name.endswith(".metadata") and base.name in SQLMODEL and base.file is None:
            yield SQLMODEL_BASE
        elif is_base(base, symbols):
            yield base
        elif reference.file is not None and is_metadata(reference, symbols):
            yield reference


def behind(reference: Reference | None, symbols: Symbols) -> Reference | None:
    """Return what a name stands for that is another word for it: ``metadata = Base.metadata``, ``Base = Model``."""
    definition = symbols.definition(reference)
    if reference is None or reference.file is None or not isinstance(definition, ast.Attribute | ast.Name):
        return reference
    return symbols.resolve(reference.file, definition) or reference


def is_metadata(reference: Reference, symbols: Symbols) -> bool:
    """Whether a reference is a ``MetaData`` that the project makes."""
    definition, file = symbols.definition(reference), reference.file
    return (
        file is not None
        and isinstance(definition, ast.Call)
        and _stands_for(file, definition, METADATA, symbols)
    )
