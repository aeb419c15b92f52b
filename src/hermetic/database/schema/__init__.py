"""What makes the tables and the first rows of a worker database, built once and then restored for ever.

``hermetic_schema`` names it; each kind is one file with a ``build`` function. Unset, it is found where
that is safe: when exactly one ``MetaData`` with tables is in reach of the application's own modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData

from hermetic.application import resolve
from hermetic.database.backend import packages_by_module
from hermetic.database.protocols import WorkerDatabase
from hermetic.database.schema import call, inputs, metadata, migrations, script
from hermetic.database.schema.alembic_config import NAMED, Migrations
from hermetic.errors import ConfigurationError, InvalidSetting, SchemaError

Build = Callable[[WorkerDatabase], Sequence[str] | None]
Places = Callable[[], Iterable[Path]]
Texts = Callable[[WorkerDatabase], Iterable[str]]


class SchemaNotNamed(ConfigurationError):
    """Several things could make the tables, and no setting says which."""


@dataclass(frozen=True)
class Schema:
    """One thing that makes tables.

    Attributes:
        description: What the header calls it.
        build: Makes the tables in an empty worker database; returns what makes it doubtful that it did, if anything.
        places: Returns files and folders that they are known to depend on.
        texts: Tells what else they depend on in such a database.
        is_start_up: Whether it is the application's own start-up.
        metadata: Where it is one, the tables.
    """

    description: str
    build: Build
    places: Places = tuple
    texts: Texts = lambda database: ()
    is_start_up: bool = False
    metadata: MetaData | None = None


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
        SchemaNotNamed: Several things could, and none is named; or two are that cannot be of one database.
    """
    if specs:
        named = [_named(spec, root, package, run_lifespan) for spec in specs]
        for one, other in combinations(named, 2):
            _refuse_one_name_for_two_tables(one, other)
        return named
    found = metadata.find_metadata(root, package)
    if len(found) > 1:
        lines = "\n".join(f"    {candidate.path}" for candidate in found)
        raise SchemaNotNamed(
            f"hermetic_schema is not set, and {len(found)} MetaData objects with tables are in reach.",
            why="Which of them belong to the database under test cannot be known.",
            hints=(
                f"name those that do, one a line:\nhermetic_schema =\n{lines}",
                f"where one is of a further database, say of which: {found[-1].path} -> URL",
            ),
        )
    if found:
        return [_of_metadata(f"{found[0].path} (found)", found[0].metadata, root, package)]
    return [_of_lifespan("lifespan (no MetaData was found)", package, run_lifespan)]


def _refuse_one_name_for_two_tables(one: Schema, other: Schema) -> None:
    """Refuse what ``create_all`` would pass over: the second table of a name, of other columns than the first."""
    if one.metadata is None or other.metadata is None:
        return
    for name in sorted(one.metadata.tables.keys() & other.metadata.tables.keys()):
        if one.metadata.tables[name].columns.keys() != other.metadata.tables[name].columns.keys():
            raise SchemaNotNamed(
                f"hermetic_schema: {one.description} and {other.description} have a table {name!r} each,"
                " of other columns.",
                why="They are of two databases, and nothing says of which.",
                hints=(f"say it, for each: {other.description} -> URL",),
            )


def _of_lifespan(description: str, package: str | None, run_lifespan: Callable[[], None]) -> Schema:
    """An application's start-up may do anything, so that its template depends on all of its modules."""
    return Schema(
        description,
        lambda database: run_lifespan(),
        lambda: inputs.of_package(package),
        is_start_up=True,
    )


def _of_metadata(description: str, owned: MetaData, root: Path, package: str | None) -> Schema:
    def translation() -> metadata.Translation:
        return metadata.find_translation(root, package)

    return Schema(
        description,
        metadata.builder(owned, translation),
        texts=lambda database: (*inputs.of_metadata(owned, database.url), *map(str, translation().items())),
        metadata=owned,
    )


def _named(spec: str, root: Path, package: str | None, run_lifespan: Callable[[], None]) -> Schema:
    if spec == "lifespan":
        return _of_lifespan(spec, package, run_lifespan)
    if named := NAMED.fullmatch(spec):
        found = Migrations(_file(named["file"], root), root, named["section"] or "alembic")
        return Schema(spec, migrations.builder(found), found.places)
    if spec.endswith(".sql"):
        sql = script.Script(_file(spec, root), root)
        return Schema(spec, script.builder(sql), sql.files)
    if ":" in spec:
        return _of_object(
            spec, resolve(spec, key="hermetic_schema", packages=packages_by_module), root, package
        )
    raise InvalidSetting(
        f"hermetic_schema = {spec!r} names nothing that can make tables.",
        hints=(
            "use one of: module:MetaData, alembic.ini, a .sql file, module:callable, lifespan",
            f"hermetic_schema = {spec}:Base.metadata",
        ),
    )


def _of_object(spec: str, found: Any, root: Path, package: str | None) -> Schema:
    owned = found if isinstance(found, MetaData) else getattr(found, "metadata", None)
    if isinstance(owned, MetaData):
        if not owned.tables:
            raise SchemaError(
                f"hermetic_schema = {spec} has no tables.",
                why="A MetaData knows a table once the module of its model was imported.",
                hints=("name the object in a module that imports every model, such as the models package",),
            )
        return _of_metadata(spec, owned, root, package)
    if callable(found):
        return Schema(
            spec,
            lambda database: call.call(found, database, key="hermetic_schema"),
            lambda: inputs.of_function(spec, found),
        )
    raise SchemaError(
        f"hermetic_schema = {spec} is {type(found).__name__!r}, which can make no tables.",
        hints=("name a MetaData, a declarative base or a callable",),
    )


def _file(name: str, root: Path) -> Path:
    path = root / name
    if path.is_file():
        return path
    raise SchemaError(
        f"hermetic_schema = {name}: there is no such file.",
        why=f"Looked for {path}.",
        hints=("write the path relative to the folder of the ini file",),
    )
