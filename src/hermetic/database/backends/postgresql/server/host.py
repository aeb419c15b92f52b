"""The databases of one PostgreSQL server: made, copied, dropped, and told apart from everybody else's.

Names say what a database is: ``hermetic_w_<run>_...`` is a worker's and goes with its run, ``hermetic_t_<fingerprint>``
is a template and stays for the next run. A name is no proof: each has a mark (``marks.py``), and what has the name of
an earlier run's and no mark is somebody else's. Nothing else on a server is ever touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from threading import RLock
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL

from hermetic.database.backends.postgresql.restore import properties
from hermetic.database.backends.postgresql.restore.quoting import quoted, setting_value
from hermetic.database.backends.postgresql.server import kept_databases, marks
from hermetic.database.backends.postgresql.server.instance import PREFIX, Facts, Instance
from hermetic.database.backends.postgresql.server.roles import Roles
from hermetic.database.kept import Kept
from hermetic.database.protocols import Wait, as_it_is
from hermetic.errors import ConfigurationError, SchemaError, StorageError

if TYPE_CHECKING:
    import psycopg

TEMPLATE = "hermetic_t_"
KEPT_TEMPLATES = 3
"""How many templates of one project stay: today's, and those of the branches that one goes back and forth between."""

ADMINISTRATION = "hermetic administration"
STRANGERS = """
SELECT pid, application_name FROM pg_stat_activity
WHERE datname = %s AND application_name <> %s AND backend_type = 'client backend' AND pid <> ALL (%s)
"""
END_SECONDS = 5
"""How long a session may take to end that was told to."""


class PostgresqlHost:
    """Makes and drops databases; see ``hermetic.database.backends.postgresql.restore.protocols.Host``.

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
        self._project = project
        self.roles = Roles(instance, roles)
        self._extensions = extensions
        self._template_database = template_database
        self._rebuild = rebuild
        self._in_use: set[str] = set()
        self._maintenance: psycopg.Connection[Any] | None = None
        self._lock = RLock()
        self.facts: Facts | None = None

    own_name = ADMINISTRATION

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
        """Whether a change of a role is this process's to undo; see ``Host``."""
        return self.roles.undoes(role)

    def forget_altered_roles(self) -> None:
        """What this process's sessions did to roles is undone."""
        self.roles.altered.clear()

    def owner_for(self, wanted: str | None) -> str:
        """Return the role that a database belongs to whose application logs in as ``wanted``."""
        return self.roles.owner_for(wanted, self._run)

    def owner_of(self, database: str) -> str:
        """Return the role that a database on the server belongs to, or would if there were one of that name."""
        query = "SELECT rolname FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE datname = %s"
        rows = self._run(query, [database])
        return str(rows[0][0]) if rows else self.owner_for(None)

    # -- databases

    def create(self, database: str, owner: str, template: str | None = None) -> None:
        """Make a database, as a copy of another one.

        Raises:
            ConfigurationError: An extension cannot be had, a template is missing, or there is no room.
        """
        self.roles.ensure(owner, self._run)
        source = template or self._template_database
        parts = [f"CREATE DATABASE {quoted(database)} OWNER {quoted(owner)}"]
        if source:
            parts.append(f"TEMPLATE {quoted(source)}")
            if self.instance.start().version >= 150000 and not self.instance.is_shared:
                parts.append("STRATEGY FILE_COPY")  # half the time where nothing is synced to a disk
        with _creating(database, source):
            self._run(" ".join(parts))
        if template is None:
            self._add_extensions(database)
        if template:
            self._copy_properties(template, database)
        elif source:
            self._copy_settings(source, database)
        marks.write(self._run, database, {"project": self._project, "run": self.instance.run_id})

    def _add_extensions(self, database: str) -> None:
        if not self._extensions:
            return
        with self.connect(database) as connection:
            for extension in self._extensions:
                with _adding(extension):
                    connection.execute(f"CREATE EXTENSION IF NOT EXISTS {quoted(extension)} CASCADE")

    def _copy_settings(self, source: str, target: str) -> None:
        """What ``ALTER DATABASE ... SET`` set is not part of what CREATE DATABASE copies."""
        from psycopg.errors import InsufficientPrivilege

        rows = self._run(
            "SELECT setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase"
            " WHERE setrole = 0 AND datname = %s",
            [source],
        )
        for setting in marks.unmarked(rows[0][0]) if rows else ():
            name, _, value = setting.partition("=")
            with suppress(InsufficientPrivilege):  # a superuser's, in a template that is not ours
                self._run(f"ALTER DATABASE {quoted(target)} SET {name} TO {setting_value(name, value)}")

    def _copy_properties(self, source: str, target: str) -> None:
        """Nor is what else belongs to a database of ours: its comment, rights on it, settings of roles in it."""
        was, now = (
            properties.read(self._run(properties.OF_DATABASE, {"name": name})) for name in (source, target)
        )
        wanted = {key: value for key, value in was.items() if key[0] in ("comment", "settings")}
        wanted["settings", ""] = marks.unmarked(was.get(("settings", ""), [])) or None
        renamed = {was["owner", ""]: now["owner", ""]}
        wanted["rights", ""] = [
            [renamed.get(grantee, grantee), *right] for grantee, *right in was["rights", ""] or ()
        ]
        for statement in properties.statements(target, now, {**now, **wanted}):
            self._run(statement)

    def drop(self, database: str) -> None:
        """Drop a database, whoever is connected."""
        self._run(f"DROP DATABASE IF EXISTS {quoted(database)} WITH (FORCE)")

    def rename(self, database: str, name: str) -> None:
        """Give a database another name."""
        self._run(f"ALTER DATABASE {quoted(database)} RENAME TO {quoted(name)}")

    def exists(self, database: str) -> bool:
        """Whether there is a database of that name."""
        return bool(self._run("SELECT 1 FROM pg_database WHERE datname = %s", [database]))

    def end_sessions(self, database: str, pids: Sequence[int] | None = None) -> None:
        """End the sessions in a database, these or all but our own, and wait until they are gone.

        Those of roles that ours has no power over stay: a superuser who looks on.
        """
        rows = self._run(
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
        found = self._run(STRANGERS, [database, ADMINISTRATION, list(known())])
        for _ in range(looks - 1):
            if not found:
                break
            self._run("SELECT pg_sleep(0.005)")
            found = self._run(STRANGERS, [database, ADMINISTRATION, list(known())])
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
                left = [pid for (pid,) in self._run(listed, [left])] or self._on_the_list(left)
            if not left:
                return
            self._run("SELECT pg_sleep(0.001)")

    def _on_the_list(self, pids: Sequence[int]) -> list[int]:
        return [pid for pid in pids if self._run("SELECT pg_cancel_backend(%s)", [pid])[0][0]]

    def place(self, database: str) -> str | None:
        """Return the place in the write-ahead log; None where there is no such database."""
        query = "SELECT pg_current_wal_insert_lsn()::text FROM pg_database WHERE datname = %s"
        rows = self._run(query, [database])
        return str(rows[0][0]) if rows else None

    def waiting(self, database: str) -> list[tuple[int, list[int]]]:
        """Return the sessions in a database that wait for a lock, each with those that hold it."""
        return self._run(
            "SELECT pid, pg_blocking_pids(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND wait_event_type = 'Lock'",
            [database],
        )

    def cancel(self, pid: int) -> bool:
        """Cancel what a session is doing if it waits for a lock; return whether it did."""
        query = (
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
        )
        return any(cancelled for (cancelled,) in self._run(query, [pid]))

    # -- templates

    def template(self, fingerprint: str) -> str | None:
        """Return the name of the template of this fingerprint, if there is one that counts."""
        name = TEMPLATE + fingerprint
        if not self.exists(name):
            return None
        note = marks.read(self._run, name)
        if "built" not in note:  # somebody else's, who calls it so
            return None
        if self._rebuild and not self.is_of_this_run(note):
            return None
        if note.get("source") != self._source():
            return None
        self._in_use.add(name)
        return name

    def keep_as_template(self, database: str, fingerprint: str, inputs: Mapping[str, Any]) -> bool:
        """Copy a database to the template of this fingerprint, unless somebody stays connected to it.

        A database of that name without our mark is somebody else's, and stays.
        """
        from psycopg.errors import ObjectInUse

        name = TEMPLATE + fingerprint
        if self.exists(name) and not marks.read(self._run, name):
            return False
        try:
            self._keep(database, name, f"{PREFIX}{self.instance.run_id}_{fingerprint}", inputs)
        except ObjectInUse:  # a poller of the application's, that connects again and again
            return False
        return True

    def _keep(self, database: str, name: str, unfinished: str, inputs: Mapping[str, Any]) -> None:
        """Copy a database under a name that goes with the run, and rename the copy once it is whole."""
        self.drop(unfinished)
        self.create(unfinished, self.owner_of(database), database)
        note = {
            **inputs,
            "project": self._project,
            "built": datetime.now().astimezone().isoformat(" ", "seconds"),
            "run": self.instance.run_id,
            "source": self._source(),
        }
        marks.write(self._run, unfinished, note)
        self.drop(name)
        self.rename(unfinished, name)
        self._in_use.add(name)
        self._forget_old_templates()
        self.instance.keep()

    def _source(self) -> int | None:
        """Return what tells one ``hermetic_template_database`` from a later one of that name."""
        if self._template_database is None:
            return None
        rows = self._run("SELECT oid FROM pg_database WHERE datname = %s", [self._template_database])
        return int(rows[0][0]) if rows else None

    def keep(self, database: str, owner: str, test: str) -> Kept:
        """Copy the database of a failed test to one that stays."""
        return kept_databases.keep(self, database, owner, test, self._project)

    def note(self, template: str) -> dict[str, Any]:
        """Return what is noted of a template: when it was ``built``, by which ``run``, and what was given with it."""
        return marks.read(self._run, template)

    def is_of_this_run(self, note: Mapping[str, Any]) -> bool:
        """Whether this run, in whatever process, built the template of that note."""
        return note.get("run") == self.instance.run_id

    def templates(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the templates on this server with what is noted of each, the newest first."""
        query = f"SELECT datname, {marks.NOTED} FROM pg_database d WHERE datname ^@ %s"
        noted = [(name, marks.noted(*note)) for name, *note in self._run(query, [TEMPLATE])]
        return sorted(noted, key=lambda each: str(each[1].get("built", "")), reverse=True)

    def _forget_old_templates(self) -> None:
        """Drop what is older than the newest few, but for what this run uses: a project may have many databases."""
        noted = [(name, note) for name, note in self.templates() if "built" in note]
        mine = [name for name, note in noted if note.get("project") == self._project]
        for name in [name for name in mine if name not in self._in_use][KEPT_TEMPLATES:]:
            self._run(f"DROP DATABASE IF EXISTS {quoted(name)}")

    @contextmanager
    def exclusively(self, what: str) -> Iterator[None]:
        """Let one process of all that use this server do something at a time."""
        key = int.from_bytes(sha256(what.encode()).digest()[:8], "big", signed=True)
        with self._open(None) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [key])
            yield

    # -- our session

    def _run(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> list[Any]:
        with self._lock:
            if self._maintenance is None or self._maintenance.closed:
                first = self._maintenance is None
                self._maintenance = self._open(None)
                if first:
                    self.instance.reap_databases()
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


@contextmanager
def _creating(database: str, source: str | None) -> Iterator[None]:
    from psycopg.errors import DiskFull, InvalidCatalogName

    try:
        yield
    except InvalidCatalogName as error:
        raise SchemaError(
            f"hermetic_template_database = {source}: there is no such database.", why=str(error)
        ) from None
    except DiskFull as error:
        raise _no_room(database, error) from None


def _no_room(database: str, error: Exception) -> ConfigurationError:
    return StorageError(
        f"no test database {database!r} can be made: {error}",
        why="the file system of the PostgreSQL server is full.",
        hints=(
            "set hermetic_directory to a directory that has room",
            "in a container: docker run --shm-size=512m",
        ),
    )


@contextmanager
def _adding(extension: str) -> Iterator[None]:
    from psycopg import Error

    try:
        yield
    except Error as error:
        raise SchemaError(
            f"hermetic_extensions names {extension!r}, which this server cannot load: {error}",
            hints=(
                "the server's own package of that extension must be installed where the server runs",
                "for a server that has it: hermetic_postgresql = postgresql://user@host/database",
            ),
        ) from None
