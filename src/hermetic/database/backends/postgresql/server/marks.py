"""The mark that says that a database is hermetic's, and what is noted in it.

It must be readable without a connection to the database, stay behind when somebody copies the database by ``CREATE
DATABASE ... TEMPLATE``, be written by a role that owns the database and is no superuser, and outlive what tests do. A
comment is the application's to write: ``COMMENT ON DATABASE`` in a migration or a test erased the mark that lay there.
A setting of a name of our own (``hermetic.mark``) takes a superuser. ``temp_tablespaces`` takes none: PostgreSQL passes
over each name in it that is no tablespace, so that the last one can say anything; those before it are the
application's.

Marks of earlier versions lie in the comment, and are read there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hermetic.database.backends.postgresql.server.quoting import listed, literal, quoted

if TYPE_CHECKING:
    import psycopg

Run = Callable[[str, Sequence[Any] | Mapping[str, Any] | None], list[Any]]
"""Runs a statement and returns its rows."""

SETTING = "temp_tablespaces"
OURS = "hermetic "
"""What our name in the list begins with."""

NOTED = """
    (SELECT setconfig FROM pg_catalog.pg_db_role_setting WHERE setdatabase = d.oid AND setrole = 0),
    pg_catalog.shobj_description(d.oid, 'pg_database')
"""
"""What ``noted`` takes, of a row ``d`` of pg_database."""
_OF_ONE = f"SELECT {NOTED} FROM pg_catalog.pg_database d WHERE datname = %s"


def read(run: Run, database: str) -> dict[str, Any]:
    """Return what is noted of a database; nothing of one that is none of ours, or is not there."""
    rows = run(_OF_ONE, [database])
    return noted(*rows[0]) if rows else {}


def write(run: Run, database: str, note: dict[str, Any]) -> None:
    """Mark a database as ours, with a note in place of what was noted before."""
    ((settings, _),) = run(_OF_ONE, [database])
    names = [*_others(settings), OURS + json.dumps(note)]
    run(f"ALTER DATABASE {quoted(database)} SET {SETTING} TO {', '.join(map(literal, names))}", None)


def through(connection: psycopg.Connection[Any]) -> Run:
    """Return what runs statements on a connection."""

    def run(query: str, parameters: Sequence[Any] | Mapping[str, Any] | None) -> list[Any]:
        cursor = connection.execute(query.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    return run


def noted(settings: Sequence[str] | None, comment: str | None) -> dict[str, Any]:
    """Return what a database's settings, or else its comment, note."""
    ours = [name for name in _names(settings) if name.startswith(OURS)]
    try:
        found = json.loads(ours[-1].removeprefix(OURS) if ours else comment or "")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def unmarked(settings: Sequence[str]) -> list[str]:
    """Return a database's settings as they are without our mark."""
    kept = [setting for setting in settings if not setting.startswith(f"{SETTING}=")]
    others = ", ".join(map(quoted, _others(settings)))
    return [*kept, f"{SETTING}={others}"] if others else kept


def _others(settings: Sequence[str] | None) -> list[str]:
    return [name for name in _names(settings) if not name.startswith(OURS)]


def _names(settings: Sequence[str] | None) -> list[str]:
    prefix = f"{SETTING}="
    ours = [setting for setting in settings or () if setting.startswith(prefix)]
    return listed(ours[0].removeprefix(prefix)) if ours else []
