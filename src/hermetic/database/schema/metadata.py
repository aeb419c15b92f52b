"""Tables from a ``MetaData``: the one that is named, or found in a module that importing the application has loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from sqlalchemy import Engine, MetaData, create_engine
from sqlalchemy.orm import registry
from sqlalchemy.schema import CreateSchema

from hermetic.code import is_test_code
from hermetic.database.backend import backend_of
from hermetic.database.protocols import WorkerDatabase

Translation = Mapping[str | None, str | None]
"""Names of schemas, and by which others SQLAlchemy writes them; ``None`` is the one that a table names none of."""


@dataclass(frozen=True)
class Candidate:
    """A ``MetaData`` with tables, and the path under which the project reaches it."""

    path: str
    metadata: MetaData


def find_metadata(root: Path, package: str | None) -> list[Candidate]:
    """Return each distinct ``MetaData`` with tables that a loaded module of the project holds.

    Args:
        root: The project's folder; test modules in it do not count, but what project modules import from
            elsewhere (``SQLModel``) does.
        package: The application's top-level package, which may be installed outside ``root``.
    """
    found: dict[int, Candidate] = {}
    for module in _project_modules(root, package):
        for name, value in list(vars(module).items()):
            metadata = _metadata_of(value)
            if metadata is None or not metadata.tables:
                continue
            path = f"{module.__name__}:{name}" + ("" if value is metadata else ".metadata")
            known = found.get(id(metadata))
            if known is None or _rank(path, value) < _rank(known.path, None):
                found[id(metadata)] = Candidate(path, metadata)
    return list(found.values())


def _rank(path: str, value: object) -> tuple[bool, int]:
    """Prefer the base class, or the metadata itself, over a model that inherits it."""
    name = path.split(":")[1].removesuffix(".metadata")
    return (name not in ("Base", "SQLModel", "metadata"), len(path))


def _metadata_of(value: object) -> MetaData | None:
    """Look only at what is known to hold a ``MetaData``: asking any object for attributes may run anything."""
    if isinstance(value, type | registry):
        value = getattr(value, "metadata", None)
    return value if isinstance(value, MetaData) else None


def _project_modules(root: Path, package: str | None) -> Iterator[ModuleType]:
    folder = os.path.normcase(f"{root}{os.sep}")
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        # Of a thousand modules a few are left: a path of each would take longer than all else here.
        if not file or not (os.path.normcase(file).startswith(folder) or name.partition(".")[0] == package):
            continue
        path = Path(file)
        inside = path.is_relative_to(root) and "site-packages" not in path.parts
        if (inside or name.partition(".")[0] == package) and not is_test_code(path, root):
            yield module


def find_translation(root: Path, package: str | None) -> Translation:
    """Return the ``schema_translate_map`` of the project's engines; an empty one where they differ in it.

    Args:
        root: The project's folder.
        package: The application's top-level package.
    """
    from sqlalchemy.ext.asyncio import AsyncEngine

    maps = [
        value.get_execution_options().get("schema_translate_map") or {}
        for module in _project_modules(root, package)
        for value in list(vars(module).values())
        if isinstance(value, Engine | AsyncEngine)
    ]
    return maps[0] if maps and all(each == maps[0] for each in maps) else {}


def builder(metadata: MetaData, translation: Callable[[], Translation]) -> Callable[[WorkerDatabase], None]:
    """Return a function that makes every table of ``metadata``, on a synchronous connection that no event loop owns.

    Schemas that tables are in are made before, which ``create_all`` leaves to migrations.

    Args:
        metadata: The tables.
        translation: Returns what the application's engines translate the names of schemas to.
    """

    def build(database: WorkerDatabase) -> None:
        names = translation()
        options = {"schema_translate_map": names} if names else {}
        engine = create_engine(backend_of(database.url).sync_url(database.url), execution_options=options)
        try:
            with engine.begin() as connection:
                for name in _schemas_of(metadata, names) if backend_of(database.url).has_schemas else ():
                    connection.execute(CreateSchema(name, if_not_exists=True))
                metadata.create_all(connection)
        finally:
            engine.dispose()

    return build


def _schemas_of(metadata: MetaData, names: Translation) -> list[str]:
    schemas = {names.get(table.schema, table.schema) for table in metadata.tables.values()}
    return sorted(each for each in schemas if each)
