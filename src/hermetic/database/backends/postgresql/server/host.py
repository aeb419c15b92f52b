"""The databases of one PostgreSQL server: made, copied, dropped, and told apart from everybody else's.

Names say what a database is: ``hermetic_w_<run>_...`` is a worker's and goes with its run, ``hermetic_t_<fingerprint>``
is a template and stays for the next run. A name is no proof: each has a mark (``marks.py``), and what has the name of
an earlier run's and no mark is somebody else's. Nothing else on a server is ever touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import URL

from hermetic.database.backends.postgresql.server import create_database, marks
from hermetic.database.backends.postgresql.server.instance import Facts, Instance
from hermetic.database.backends.postgresql.server.quoting import quoted
from hermetic.database.backends.postgresql.server.roles import Roles
from hermetic.database.protocols import Wait, as_it_is

if TYPE_CHECKING:
    import psycopg

ADMINISTRATION = "hermetic administration"
STRANGERS = """
SELECT pid, application_name FROM pg_stat_activity
WHERE datname = %s AND application_name <> %s AND backend_type = 'client backend' AND pid <> ALL (%s)
"""
END_SECONDS = 5
"""How long a session may take to end that was told to."""


class Activity(NamedTuple):
    """What a session is doing.

    Attributes:
        pid: Its process.
        is_active: Whether it executes a statement.
        seconds: Since when it does what it does.
        blockers: The sessions for whose locks it waits.
        statement: Its last statement.
    """

    pid: int
    is_active: bool
    seconds: float
    blockers: tuple[int, ...]
    statement: str


class PostgresqlHost:
    """Makes and drops databases.

    Args:
        instance: The server.
        project: Which project's templates are its own.
        roles: Further roles that the schema names.
        extensions: Made in each new database, before the schema.
        template_database: What new databases start as; PostgreSQL's own template where None.
        rebuild: Whether templates of earlier runs do not count.
        wait: Does what waits for the locks of the application.

    Attributes:
        facts: What is known of the server, once it was used.
        roles: Those of the server.
        used_templates: The templates that this process has used or made.
        there: The numbers of the databases that were on the server when this process came.
        renamed: The numbers of those that this process made and gave another's name.
    """

    def __init__(
        self,
        instance: Instance,
        *,
        project: str = "",
        roles: Sequence[str] = (),
        extensions: Sequence[str] = (),
        template_database: str | None = None,
        rebuild: bool = False,
        wait: Wait = as_it_is,
    ) -> None:
        self.instance = instance
        self.wait = wait
        self.project = project
        self.roles = Roles(instance, roles)
        self._extensions = extensions
        self.template_database = template_database
        self.rebuild = rebuild
        self.used_templates: set[str] = set()
        self._maintenance: psycopg.Connection[Any] | None = None
        self._lock = RLock()
        self._fsync: bool | None = None
        self.facts: Facts | None = None
        self.there: frozenset[int] = frozenset()
        self.renamed: set[int] = set()

    @property
    def privileged(self) -> bool:
        """Whether the administrator is a superuser."""
        return self.instance.start().is_superuser

    @property
    def version(self) -> int:
        """The server's, as ``server_version_num`` has it."""
        return self.instance.start().version

    def url(self, database: str, user: str) -> URL:
        """Where a database is reached; known before the server runs."""
        return self.instance.url(database, user, self.roles.password(user))

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """Open a connection as administrator, in autocommit."""
        return self._open(database)

    def _open(self, database: str | None) -> psycopg.Connection[Any]:
        connection = self.instance.connect(database, application_name=ADMINISTRATION)
        self.facts = self.instance.start()
        return connection

    def role_for(self, wanted: str) -> str:
        """Return the declared role of that name; empty for any other, which gets the owner's."""
        return wanted if wanted in self.roles.declared else ""

    def undoes(self, role: str) -> bool:
        """Whether a change of a role is this process's to undo; see ``Roles.undoes``."""
        return self.roles.undoes(role)

    def forget_altered_roles(self) -> None:
        """What this process's sessions did to roles is undone."""
        self.roles.altered.clear()

    def owner_for(self, wanted: str | None) -> str:
        """Return the role that a database belongs to whose application logs in as ``wanted``."""
        return self.roles.owner_for(wanted, self.run)

    def owner_of(self, database: str) -> str:
        """Return the role that a database on the server belongs to, or would if there were one of that name."""
        query = "SELECT rolname FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE datname = %s"
        rows = self.run(query, [database])
        return str(rows[0][0]) if rows else self.owner_for(None)

    def may_be_a_tests(self, role: str) -> bool:
        """Whether a database of that role's may be one that code under test made: any, on a server of the run's own."""
        return not self.instance.is_shared or role == self.owner_for(None)

    def is_alone(self) -> bool:
        """Whether no other process makes databases for tests on the server."""
        return self.roles.is_alone and self.instance.is_alone()

    # -- databases

    def create(self, database: str, owner: str, template: str | None = None) -> None:
        """Make a database, as a copy of another one.

        Raises:
            ConfigurationError: An extension cannot be had, a template is missing, or there is no room.
        """
        with self._lock:  # until it is marked as ours
            self._create(database, owner, template)

    def _create(self, database: str, owner: str, template: str | None) -> None:
        self.roles.ensure(owner, self.run)
        source = template or self.template_database
        copy_files = self.version >= 150000 and not self._syncs()
        create_database.create(self.run, database, owner, source, copy_files=copy_files)
        if template is None and self._extensions:
            with self.connect(database) as connection:
                create_database.add_extensions(connection, self._extensions)
        if template:
            create_database.copy_properties(self.run, template, database)
        elif source:
            create_database.copy_settings(self.run, source, database)
        marks.write(self.run, database, {"project": self.project, "run": self.instance.run_id})

    def _syncs(self) -> bool:
        """Whether the server waits for a disk: never where it is the run's own, and not where ``fsync`` is off."""
        if self._fsync is None:
            self._fsync = self.instance.is_shared and self.run("SHOW fsync")[0][0] == "on"
        return self._fsync

    def drop(self, database: str) -> None:
        """Drop a database, whoever is connected."""
        self.run(f"DROP DATABASE IF EXISTS {quoted(database)} WITH (FORCE)")

    def rename(self, database: str, name: str) -> None:
        """Give a database another name."""
        ((oid,),) = self.run("SELECT oid::bigint FROM pg_database WHERE datname = %s", [database])
        self.renamed.add(oid)
        self.run(f"ALTER DATABASE {quoted(database)} RENAME TO {quoted(name)}")

    def exists(self, database: str) -> bool:
        """Whether there is a database of that name."""
        return bool(self.run("SELECT 1 FROM pg_database WHERE datname = %s", [database]))

    def end_sessions(self, database: str, pids: Sequence[int] | None = None) -> None:
        """End the sessions in a database, these or all but our own, and wait until they are gone.

        Those of roles that ours has no power over stay: a superuser who looks on.
        """
        rows = self.run(
            "SELECT pid, pg_terminate_backend(pid)"
            " FROM pg_stat_activity JOIN pg_roles ON pg_roles.oid = usesysid"
            " WHERE datname = %s AND application_name <> %s AND (%s::int[] IS NULL OR pid = ANY (%s))"
            " AND backend_type = 'client backend' AND pg_has_role(usesysid, 'USAGE')"
            " AND (NOT rolsuper OR current_setting('is_superuser')::boolean)",
            [database, ADMINISTRATION, pids, pids],
        )
        self.wait_until_gone([pid for pid, was_told in rows if was_told])

    def strangers(self, database: str, known: Callable[[], Sequence[int]], looks: int) -> list[str]:
        """Name who is connected to a database beside those whose processes are known.

        Args:
            database: The database.
            known: Returns those processes.
            looks: How often to look, 5 ms apart, while there is anybody.
        """
        found = self.run(STRANGERS, [database, ADMINISTRATION, list(known())])
        for _ in range(looks - 1):
            if not found:
                break
            self.run("SELECT pg_sleep(0.005)")
            found = self.run(STRANGERS, [database, ADMINISTRATION, list(known())])
        return [f"{name or 'a connection'} (process {pid})" for pid, name in found]

    def wait_until_gone(self, pids: Sequence[int]) -> None:
        """Wait until the server knows nothing of sessions that have ended: a millisecond or so each.

        ``pg_terminate_backend`` with a time to wait looks every 100 ms only. A session leaves ``pg_stat_activity`` a
        moment before the list that DROP DATABASE reads; who is on that list can be cancelled.
        """
        left = list(pids)
        for _ in range(END_SECONDS * 1000):
            if left:
                listed = "SELECT pid FROM pg_stat_activity WHERE pid = ANY (%s)"
                left = [pid for (pid,) in self.run(listed, [left])] or self._on_the_list(left)
            if not left:
                return
            self.run("SELECT pg_sleep(0.001)")

    def _on_the_list(self, pids: Sequence[int]) -> list[int]:
        return [pid for pid in pids if self.run("SELECT pg_cancel_backend(%s)", [pid])[0][0]]

    def place(self, database: str) -> str | None:
        """Return the place in the write-ahead log; None where there is no such database."""
        query = "SELECT pg_current_wal_insert_lsn()::text FROM pg_database WHERE datname = %s"
        rows = self.run(query, [database])
        return str(rows[0][0]) if rows else None

    def activity(self, database: str) -> list[Activity]:
        """Return what the sessions in a database are doing."""
        rows = self.run(
            "SELECT pid, coalesce(state = 'active', false),"
            " coalesce(extract(epoch FROM clock_timestamp() - state_change), 0)::float8,"
            " CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) ELSE '{}' END, coalesce(query, '')"
            " FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [database],
        )
        return [
            Activity(pid, active, seconds, tuple(blockers), query)
            for pid, active, seconds, blockers, query in rows
        ]

    def cancel(self, pid: int) -> bool:
        """Cancel what a session is doing if it waits for a lock; return whether it did."""
        query = (
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
        )
        return any(cancelled for (cancelled,) in self.run(query, [pid]))

    @contextmanager
    def exclusively(self, what: str) -> Iterator[None]:
        """Let one process of all that use this server do something at a time."""
        key = int.from_bytes(sha256(what.encode()).digest()[:8], "big", signed=True)
        with self._open(None) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [key])
            yield

    # -- our session

    @property
    def is_used(self) -> bool:
        """Whether this process has asked the server anything."""
        return self._maintenance is not None

    def run(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> list[Any]:
        """Run a statement in the maintenance database, and return its rows."""
        with self._lock:
            if self._maintenance is None or self._maintenance.closed:
                first = self._maintenance is None
                self._maintenance = self._open(None)
                if first:
                    self.instance.drop_dead_databases()
                    oids = self._maintenance.execute("SELECT oid::bigint FROM pg_database").fetchall()
                    self.there = frozenset(oid for (oid,) in oids)
            cursor = self._maintenance.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def describe_end(self) -> str:
        """Say what the server wrote last."""
        return self.instance.last_words()

    def close(self) -> None:
        """End our session."""
        with self._lock:
            if self._maintenance is not None:
                self._maintenance.close()
                self._maintenance = None
