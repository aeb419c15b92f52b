"""The databases on a server that are hermetic's, told by their names, with what is noted of each; see ``marks.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hermetic.database.backends.postgresql.server import marks
from hermetic.database.stored import Entry

if TYPE_CHECKING:
    import psycopg

LISTED = f"""
SELECT datname, pg_database_size(d.oid), rolname, {marks.NOTED}
FROM pg_database d JOIN pg_roles r ON r.oid = datdba WHERE datname ^@ %s ORDER BY datname
"""
OTHERS = """
SELECT coalesce(nullif(application_name, ''), 'process ' || pid) FROM pg_stat_activity
WHERE datname = %s AND application_name <> %s AND backend_type = 'client backend'
"""


def entries(connection: psycopg.Connection[Any], prefix: str, project: str | None = None) -> list[Entry]:
    """Return the databases whose names begin so, those of one project or all."""
    rows = connection.execute(LISTED, [prefix]).fetchall()
    found = [Entry(name, owner, size, marks.noted(*note)) for name, size, owner, *note in rows]
    return [entry for entry in found if project is None or entry.note.get("project") == project]


def drop(connection: psycopg.Connection[Any], database: str) -> None:
    """Drop a database, whoever is connected."""
    from psycopg import sql

    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


def others_in(connection: psycopg.Connection[Any], database: str, ours: str) -> list[str]:
    """Return who is connected to a database, by the names that they gave, except sessions of our name."""
    return [name for (name,) in connection.execute(OTHERS, [database, ours]).fetchall()]
