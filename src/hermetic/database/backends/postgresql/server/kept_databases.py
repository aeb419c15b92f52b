"""Keeping a copy of a failed test's database on its server."""

from __future__ import annotations

from hermetic.database.backends.postgresql.server import catalogue, marks
from hermetic.database.backends.postgresql.server.host import ADMINISTRATION, PostgresqlHost
from hermetic.database.kept import PREFIX, Kept, NotKept, kept_name, noted, room_for

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
        entries = catalogue.entries(connection, PREFIX, host.project)
        for earlier in room_for(test, {entry.name: entry.note for entry in entries}):
            catalogue.drop(connection, earlier)
        for _ in range(STEPS):
            others = catalogue.others_in(connection, database, ADMINISTRATION)
            if not others:
                break
            connection.execute(STEP)
        else:
            raise NotKept(f"it is in use by a connection that outlives the test: {', '.join(others)}")
        host.create(name, owner, database)
        marks.write(marks.through(connection), name, noted(test, host.project))
    host.instance.keep()
    return Kept(name, host.url(name, owner), THERE if host.instance.is_shared else GONE)
