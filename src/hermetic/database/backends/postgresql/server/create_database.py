"""CREATE DATABASE, and what it leaves out: extensions, and what belongs to a database and is not in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from hermetic.database.backends.postgresql.server import database_properties, marks
from hermetic.database.backends.postgresql.server.quoting import quoted, setting_value
from hermetic.errors import SchemaError, StorageError

if TYPE_CHECKING:
    import psycopg


def create(run: marks.Run, database: str, owner: str, source: str | None, *, copy_files: bool) -> None:
    """Make a database.

    Args:
        run: Runs a statement on the server.
        database: Its name.
        owner: Its role.
        source: What it is a copy of; PostgreSQL's own template where None.
        copy_files: Whether the files may be copied: a third of the time where nothing is synced to a disk.

    Raises:
        ConfigurationError: What it is to be a copy of is missing, or there is no room.
    """
    parts = [f"CREATE DATABASE {quoted(database)} OWNER {quoted(owner)}"]
    if source:
        parts.append(f"TEMPLATE {quoted(source)}")
    if copy_files:
        parts.append("STRATEGY FILE_COPY")
    with _explained(database, source):
        run(" ".join(parts), None)


@contextmanager
def _explained(database: str, source: str | None) -> Iterator[None]:
    from psycopg.errors import DiskFull, InvalidCatalogName

    try:
        yield
    except InvalidCatalogName as error:
        raise SchemaError(
            f"hermetic_template_database = {source}: there is no such database.", why=str(error)
        ) from None
    except DiskFull as error:
        raise StorageError(
            f"no test database {database!r} can be made: {error}",
            why="the file system of the PostgreSQL server is full.",
            hints=(
                "set hermetic_directory to a directory that has room",
                "in a container: docker run --shm-size=512m",
            ),
        ) from None


def add_extensions(connection: psycopg.Connection[Any], extensions: Sequence[str]) -> None:
    """Make extensions in a database.

    Raises:
        ConfigurationError: One cannot be had.
    """
    from psycopg import Error

    for extension in extensions:
        try:
            connection.execute(f"CREATE EXTENSION IF NOT EXISTS {quoted(extension)} CASCADE".encode())
        except Error as error:
            raise SchemaError(
                f"hermetic_extensions names {extension!r}, which this server cannot load: {error}",
                hints=(
                    "the server's own package of that extension must be installed where the server runs",
                    "for a server that has it: hermetic_postgresql = postgresql://user@host/database",
                ),
            ) from None


def copy_settings(run: marks.Run, source: str, target: str) -> None:
    """What ``ALTER DATABASE ... SET`` set is not part of what CREATE DATABASE copies."""
    from psycopg.errors import InsufficientPrivilege

    rows = run(
        "SELECT setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase"
        " WHERE setrole = 0 AND datname = %s",
        [source],
    )
    for setting in marks.unmarked(rows[0][0]) if rows else ():
        name, _, value = setting.partition("=")
        with suppress(InsufficientPrivilege):  # a superuser's, in a template that is not ours
            run(f"ALTER DATABASE {quoted(target)} SET {name} TO {setting_value(name, value)}", None)


def copy_properties(run: marks.Run, source: str, target: str) -> None:
    """Nor is what else belongs to a database of ours: its comment, rights on it, settings of roles in it."""
    was, now = (
        database_properties.read(run(database_properties.OF_DATABASE, {"name": name}))
        for name in (source, target)
    )
    wanted = {key: value for key, value in was.items() if key[0] in ("comment", "settings")}
    wanted["settings", ""] = marks.unmarked(was.get(("settings", ""), [])) or None
    renamed = {was["owner", ""]: now["owner", ""]}
    wanted["rights", ""] = [
        [renamed.get(grantee, grantee), *right] for grantee, *right in was["rights", ""] or ()
    ]
    for statement in database_properties.statements(target, now, {**now, **wanted}):
        run(statement, None)
