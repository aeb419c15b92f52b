"""What makes the tables and the first rows of a worker database, built once and then restored for ever.

``hermetic_schema`` names it; each kind is one file with a ``build`` function. Unset, it is found where
that is safe: when exactly one ``MetaData`` with tables is in reach of the application's own modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData

from hermetic.application import resolve
from hermetic.database.protocols import WorkerDatabase
from hermetic.database.schema import call, fingerprint, metadata, migrations, script
from hermetic.database.schema.discovery import find_metadata
from hermetic.errors import ConfigurationError

Build = Callable[[WorkerDatabase], None]
Fingerprint = Callable[[WorkerDatabase], Iterator[str]]


class SchemaNotNamed(ConfigurationError):
    """Several things could make the tables, and no setting says which."""


@dataclass(frozen=True)
class Schema:
    """One thing that makes tables.

    Attributes:
        description: What the header calls it.
        build: Makes the tables in an empty worker database.
        fingerprint: Tells what they depend on in such a database, in texts.
        is_start_up: Whether it is the application's own start-up.
    """

    description: str
    build: Build
    fingerprint: Fingerprint
    is_start_up: bool = False


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
        ConfigurationError: A line names nothing that can make tables.
        SchemaNotNamed: Several things could, and none is named.
    """
    if specs:
        return [_named(spec, root, package, run_lifespan) for spec in specs]
    found = find_metadata(root, package)
    if len(found) > 1:
        lines = "\n".join(f"    {candidate.path}" for candidate in found)
        raise SchemaNotNamed(
            f"hermetic_schema is not set, and {len(found)} MetaData objects with tables are in reach.",
            why="Which of them belong to the database under test cannot be known.",
            hints=(f"name those that do, one a line:\nhermetic_schema =\n{lines}",),
        )
    if found:
        owned = found[0].metadata
        return [
            Schema(
                f"{found[0].path} (found)",
                metadata.builder(owned),
                lambda database: fingerprint.of_metadata(owned, database.url),
            )
        ]
    return [_of_lifespan("lifespan (no MetaData was found)", root, package, run_lifespan)]


def _of_lifespan(
    description: str, root: Path, package: str | None, run_lifespan: Callable[[], None]
) -> Schema:
    """An application's start-up may do anything, so that its template depends on all of its modules."""
    return Schema(
        description,
        lambda database: run_lifespan(),
        lambda database: fingerprint.of_package(root, package),
        is_start_up=True,
    )


def _named(spec: str, root: Path, package: str | None, run_lifespan: Callable[[], None]) -> Schema:
    if spec == "lifespan":
        return _of_lifespan(spec, root, package, run_lifespan)
    if spec.endswith((".ini", ".toml")):
        ini = _file(spec, root)
        return Schema(spec, migrations.builder(ini), lambda database: migrations.fingerprint(ini))
    if spec.endswith(".sql"):
        path = _file(spec, root)
        return Schema(spec, script.builder(path), lambda database: fingerprint.of_files([path]))
    if ":" in spec:
        return _of_object(spec, resolve(spec, key="hermetic_schema"), root)
    raise ConfigurationError(
        f"hermetic_schema = {spec!r} names nothing that can make tables.",
        hints=(
            "use one of: module:MetaData, alembic.ini, a .sql file, module:callable, lifespan",
            f"hermetic_schema = {spec}:Base.metadata",
        ),
    )


def _of_object(spec: str, found: Any, root: Path) -> Schema:
    owned = found if isinstance(found, MetaData) else getattr(found, "metadata", None)
    if isinstance(owned, MetaData):
        if not owned.tables:
            raise ConfigurationError(
                f"hermetic_schema = {spec} has no tables.",
                why="A MetaData knows a table once the module of its model was imported.",
                hints=("name the object in a module that imports every model, such as the models package",),
            )
        tables = owned
        return Schema(
            spec, metadata.builder(owned), lambda database: fingerprint.of_metadata(tables, database.url)
        )
    if callable(found):
        return Schema(
            spec,
            lambda database: call.call(found, database, key="hermetic_schema"),
            lambda database: fingerprint.of_function(found, root),
        )
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
