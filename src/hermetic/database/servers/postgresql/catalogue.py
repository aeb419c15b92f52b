"""The databases on a server that are hermetic's, told by their names, with what is noted of each as its comment."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

LISTED = """
SELECT datname, shobj_description(d.oid, 'pg_database'), pg_database_size(d.oid), rolname
FROM pg_database d JOIN pg_roles r ON r.oid = datdba WHERE datname ^@ %s ORDER BY datname
"""
OTHERS = """
SELECT coalesce(nullif(application_name, ''), 'process ' || pid) FROM pg_stat_activity
WHERE datname = %s AND application_name <> %s AND backend_type = 'client backend'
"""


@dataclass(frozen=True)
class Entry:
    """A database.

    Attributes:
        name: Its name.
        owner: Its role.
        size: In bytes.
        note: What is noted of it.
    """

    name: str
    owner: str
    size: int
    note: dict[str, Any] = field(default_factory=dict)


def entries(connection: psycopg.Connection[Any], prefix: str, project: str | None = None) -> list[Entry]:
    """Return the databases whose names begin so, those of one project or all."""
    rows = connection.execute(LISTED, [prefix]).fetchall()
    found = [Entry(name, owner, size, read_note(comment)) for name, comment, size, owner in rows]
    return [entry for entry in found if project is None or entry.note.get("project") == project]


def note(connection: psycopg.Connection[Any], database: str, what: dict[str, Any]) -> None:
    """Note something of a database, in place of what was noted before."""
    from psycopg import sql

    statement = sql.SQL("COMMENT ON DATABASE {} IS {}")
    connection.execute(statement.format(sql.Identifier(database), sql.Literal(json.dumps(what))))


def drop(connection: psycopg.Connection[Any], database: str) -> None:
    """Drop a database, whoever is connected."""
    from psycopg import sql

    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


def others_in(connection: psycopg.Connection[Any], database: str, ours: str) -> list[str]:
    """Return who is connected to a database, by the names that they gave, except sessions of our name."""
    return [name for (name,) in connection.execute(OTHERS, [database, ours]).fetchall()]


def read_note(comment: str | None) -> dict[str, Any]:
    """Return what a database's comment notes; nothing where it is none of ours."""
    try:
        found = json.loads(comment or "")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
