"""What makes the tables and the first rows of a worker database, built once and then restored for ever.

``hermetic_schema`` names it; each kind is one file with a ``build`` function. Unset, it is found where
that is safe: when exactly one ``MetaData`` with tables is in reach of the application's own modules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData

from hermetic.application import resolve
from hermetic.database.protocols import WorkerDatabase
from hermetic.database.schema import call, metadata, migrations, script
from hermetic.database.schema.discovery import find_metadata
from hermetic.errors import ConfigurationError

Build = Callable[[WorkerDatabase], None]


@dataclass(frozen=True)
class Schema:
    """One thing that makes tables.

    Attributes:
        description: What the header calls it.
        build: Makes the tables in an empty worker database.
    """

    description: str
    build: Build


def schemas(
    specs: Sequence[str], *, root: Path, package: str | None, run_lifespan: Callable[[], None]
) -> list[Schema]:
    """Return what ``hermetic_schema`` names, or what is found in its place.

    Args:
        specs: The lines of ``hermetic_schema``; empty when it is unset.
        root: The folder that relative file names start from.
        package: The application's top-level package.
        run_lifespan: Runs the application's start-up and shutdown once.

    Raises:
        ConfigurationError: A line names nothing that can make tables, or several things could and none is named.
    """
    if specs:
        return [_named(spec, root, run_lifespan) for spec in specs]
    found = find_metadata(root, package)
    if len(found) > 1:
        lines = "\n".join(f"    {candidate.path}" for candidate in found)
        raise ConfigurationError(
            f"hermetic_schema is not set, and {len(found)} MetaData objects with tables are in reach.",
            why="Which of them belong to the database under test cannot be known.",
            hints=(f"name those that do, one a line:\nhermetic_schema =\n{lines}",),
        )
    if found:
        return [Schema(f"{found[0].path} (found)", metadata.builder(found[0].metadata))]
    return [Schema("lifespan (no MetaData was found)", lambda database: run_lifespan())]


def _named(spec: str, root: Path, run_lifespan: Callable[[], None]) -> Schema:
    if spec == "lifespan":
        return Schema(spec, lambda database: run_lifespan())
    if spec.endswith((".ini", ".toml")):
        return Schema(spec, migrations.builder(_file(spec, root)))
    if spec.endswith(".sql"):
        return Schema(spec, script.builder(_file(spec, root)))
    if ":" in spec:
        return Schema(spec, _of_object(spec, resolve(spec, key="hermetic_schema")))
    raise ConfigurationError(
        f"hermetic_schema = {spec!r} names nothing that can make tables.",
        hints=(
            "use one of: module:MetaData, alembic.ini, a .sql file, module:callable, lifespan",
            f"hermetic_schema = {spec}:Base.metadata",
        ),
    )


def _of_object(spec: str, found: Any) -> Build:
    owned = found if isinstance(found, MetaData) else getattr(found, "metadata", None)
    if isinstance(owned, MetaData):
        if not owned.tables:
            raise ConfigurationError(
                f"hermetic_schema = {spec} has no tables.",
                why="A MetaData knows a table once the module of its model was imported.",
                hints=("name the object in a module that imports every model, such as the models package",),
            )
        return metadata.builder(owned)
    if callable(found):
        return lambda database: call.call(found, database, key="hermetic_schema")
    raise ConfigurationError(
        f"hermetic_schema = {spec} is {type(found).__name__!r}, which can make no tables.",
        hints=("name a MetaData, a declarative base or a callable",),
    )


def _file(name: str, root: Path) -> Path:
    path = root / name
    if path.is_file():
        return path
    raise ConfigurationError(
        f"hermetic_schema = {name}: there is no such file.",
        why=f"Looked for {path}.",
        hints=("write the path relative to the folder of the ini file",),
    )
