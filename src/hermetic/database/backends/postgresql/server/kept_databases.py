"""The databases on a server that are hermetic's, with what is noted of each; copies of failed tests' among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hermetic.database.backends.postgresql.server import marks
from hermetic.database.backends.postgresql.server.host import ADMINISTRATION, PostgresqlHost
from hermetic.database.stored import PREFIX, Entry, Kept, NotKept, kept_name, noted, room_for

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


def found(connection: psycopg.Connection[Any], prefix: str, project: str | None = None) -> list[Entry]:
    """Return the databases whose names begin so, those of one project or all."""
    rows = connection.execute(LISTED, [prefix]).fetchall()
    entries = [Entry(name, owner, size, marks.noted(*note)) for name, size, owner, *note in rows]
    return [entry for entry in entries if project is None or entry.note.get("project") == project]


def drop(connection: psycopg.Connection[Any], database: str) -> None:
    """Drop a database, whoever is connected."""
    from psycopg import sql

    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


def others_in(connection: psycopg.Connection[Any], database: str, ours: str) -> list[str]:
    """Return who is connected to a database, by the names that they gave, except sessions of our name."""
    return [name for (name,) in connection.execute(OTHERS, [database, ours]).fetchall()]


STEPS = 20
STEP = "SELECT pg_sleep(0.02)"
"""A connection that was just closed is gone on the server's side a moment later."""

GONE = "its server ends with the run; 'hermetic db start' serves it again"
THERE = "'hermetic db start' prints the URL with its password"


def keep(host: PostgresqlHost, database: str, owner: str, test: str) -> Kept:
    """Copy a database under a name that says whose it was; what hermetic has in it is copied, too.

    Args:
        host: The server.
        database: Nobody's work in it may be open.
        owner: Of the copy.
        test: Whose database it is.

    Raises:
        NotKept: There are too many already, or somebody is connected who is not ours to end.
    """
    name = kept_name(test)
    with host.exclusively(f"keep {host.project}"), host.instance.connect() as connection:
        kept = found(connection, PREFIX, host.project)
        for earlier in room_for(test, {entry.name: entry.note for entry in kept}):
            drop(connection, earlier)
        for _ in range(STEPS):
            others = others_in(connection, database, ADMINISTRATION)
            if not others:
                break
            connection.execute(STEP)
        else:
            raise NotKept(f"it is in use by a connection that outlives the test: {', '.join(others)}")
        host.create(name, owner, database)
        marks.write(marks.through(connection), name, noted(test, host.project))
    host.instance.keep()
    return Kept(name, host.url(name, owner), THERE if host.instance.is_shared else GONE)
