"""Keeping a copy of a failed test's database on its server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hermetic.database.backends.postgresql.restore.protocols import Host
from hermetic.database.backends.postgresql.server import catalogue, marks
from hermetic.database.kept import PREFIX, Kept, NotKept, kept_name, noted, room_for

if TYPE_CHECKING:
    from hermetic.database.backends.postgresql.server.instance import Instance

STEPS = 20
STEP = "SELECT pg_sleep(0.02)"
"""A connection that was just closed is gone on the server's side a moment later."""

GONE = "its server ends with the run; 'hermetic db start' serves it again"
THERE = "'hermetic db start' prints the URL with its password"


class Keeper(Host, Protocol):
    """A server on which copies stay; implemented in ``host.py``."""

    instance: Instance
    own_name: str


def keep(host: Keeper, database: str, owner: str, test: str, project: str) -> Kept:
    """Copy a database under a name that says whose it was; nothing of hermetic's own is left in the copy.

    Args:
        host: The server.
        database: Nobody's work in it may be open.
        owner: Of the copy.
        test: Whose database it is.
        project: The project's root.

    Raises:
        NotKept: There are too many already, or somebody is connected who is not ours to end.
    """
    name = kept_name(test)
    with host.exclusively(f"keep {project}"), host.instance.connect() as connection:
        entries = catalogue.entries(connection, PREFIX, project)
        for earlier in room_for(test, {entry.name: entry.note for entry in entries}):
            catalogue.drop(connection, earlier)
        for _ in range(STEPS):
            others = catalogue.others_in(connection, database, host.own_name)
            if not others:
                break
            connection.execute(STEP)
        else:
            raise NotKept(f"it is in use by a connection that outlives the test: {', '.join(others)}")
        host.create(name, owner, database)
        marks.write(marks.through(connection), name, noted(test, project))
    _tidy(host, name)
    host.instance.keep()
    return Kept(name, host.url(name, owner), THERE if host.instance.is_shared else GONE)


def _tidy(host: Keeper, database: str) -> None:
    from hermetic.database.backends.postgresql.restore.administration import Administration, remove_ours

    administration = Administration(lambda: host.connect(database), privileged=host.privileged)
    try:
        remove_ours(administration)
    finally:
        administration.close()
