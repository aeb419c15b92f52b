"""A PostgreSQL server that is somebody else's, reached by URL: for a version, extensions or a collation of its own.

All that is asked of the role is CREATEDB. What a dead run left is told by an advisory lock: each process of a run holds
one, shared, whose key is the run's id, on a session in the maintenance database for as long as it lives. Such locks
belong to one database, and two projects may come through different ones; so whether somebody holds one is read from
``pg_locks``, which shows those of all databases.
"""

from __future__ import annotations

import atexit
import os
import secrets
from threading import RLock
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL

from hermetic.database.backends.postgresql.drivers import variables
from hermetic.database.backends.postgresql.drivers.libpq import dsn, parameters, without_password
from hermetic.database.backends.postgresql.drivers.psycopg import knows
from hermetic.database.backends.postgresql.server import installed, marks
from hermetic.database.backends.postgresql.server.instance import PREFIX, Facts
from hermetic.database.backends.postgresql.server.quoting import quoted
from hermetic.database.backends.postgresql.server.roles import SHARED
from hermetic.database.backends.postgresql.server.run_dir import PORT
from hermetic.database.driver_seams import uncontained
from hermetic.errors import InsufficientPrivilege, ServerUnavailable
from hermetic.masking import masked

if TYPE_CHECKING:
    import psycopg

SPACE = 0x4845524D  # "HERM": keeps the keys of our advisory locks apart from anybody else's

FACTS = """
SELECT current_setting('server_version_num')::int, current_setting('server_version'), rolsuper,
       rolsuper OR rolcreatedb, current_setting('max_connections')::int,
       (SELECT datcollate FROM pg_database WHERE datname = current_database()), current_user::text
FROM pg_roles WHERE rolname = current_user
"""

DEAD = f"""
SELECT datname, {marks.NOTED} FROM pg_database d JOIN pg_roles ON pg_roles.oid = datdba
WHERE rolname IN (current_user, %s) AND datname ~ %s
  AND NOT EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND classid::bigint = %s
      AND lpad(to_hex(objid::bigint), 8, '0') = substr(datname, %s, 8)
  )
"""

OTHERS = """
SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND classid::bigint = %s
    AND objid::bigint <> %s::bigint & 4294967295
"""


class External:
    """See ``hermetic.database.backends.postgresql.server.instance.Instance``.

    Args:
        url: Of the server; its database, or else ``postgres``, is the maintenance database.
        run_id: The run's, in another of its processes.
    """

    is_shared = True

    def __init__(self, url: URL, run_id: str | None = None) -> None:
        self.administrator = url.username or ""
        self.run_id = run_id or secrets.token_hex(4)
        # Named, or PGPORT would be meant.
        self._url = url.set(port=PORT) if url.host and url.port is None else url
        self._mutex = RLock()
        self._pid: int | None = None
        self._facts: Facts | None = None
        self._unavailable: ServerUnavailable | None = None
        self._session: psycopg.Connection[Any] | None = None

    @property
    def password(self) -> str | None:
        """The password that the URL names."""
        return self._url.password

    def url(self, database: str, user: str, password: str | None = None) -> URL:
        """Return the URL of a database; host, port and options are the setting's, the password only if it fits."""
        if password is None and user == self._url.username:
            password = self._url.password
        return URL.create(
            "postgresql", user, password, self._url.host, self._url.port, database, self._url.query
        )

    def begin(self) -> None:
        """Do nothing: it runs already."""

    def start(self) -> Facts:
        """Learn about the server, and take the run's lock.

        Raises:
            ServerUnavailable: It is not there, or was not when it was first asked: nobody waits for it a second time.
        """
        with self._mutex:
            if self._unavailable is not None:
                raise self._unavailable.with_traceback(None)
            if self._facts is None or self._pid != os.getpid():
                self._session = self._first_session()
                self._pid = os.getpid()
                atexit.register(self.stop)
                self._facts = self._learn(self._session)
                lock = "SELECT pg_advisory_lock_shared(%s, %s)"
                self._session.execute(lock, (SPACE, _signed(self.run_id)))
            return self._facts

    def connect(self, database: str | None = None, **options: Any) -> psycopg.Connection[Any]:
        """Open an autocommit connection of the role that the URL names."""
        self.start()
        return self._open(database or self._maintenance(), **options)

    def keep(self) -> None:
        """Do nothing: what is made on the server stays there."""

    def handover(self) -> dict[str, str]:
        """Return what another process of the run needs. The password is in it."""
        url = dsn(self._url)
        return {"kind": "external", "url": url, "run_id": self.run_id}

    def drop_dead_databases(self) -> list[str]:
        """Drop the worker databases of dead runs that are ours to drop, unless somebody is connected to one.

        One that has the name and not the mark is somebody else's.
        """
        self.start()
        session = self._session
        assert session is not None
        pattern = f"^{PREFIX}[0-9a-f]{{8}}(_|$)"
        rows = session.execute(DEAD.encode(), (SHARED, pattern, SPACE, len(PREFIX) + 1)).fetchall()
        dead = [name for name, *mark in rows if marks.noted(*mark).get("run") == name[len(PREFIX) :][:8]]
        return [name for name in dead if self._drop(session, name)]

    def is_alone(self) -> bool:
        """Whether no other run holds a lock."""
        self.start()
        assert self._session is not None
        return not self._session.execute(OTHERS.encode(), (SPACE, _signed(self.run_id))).fetchall()

    def last_words(self) -> str:
        """Return nothing: its log is where its owner keeps it."""
        return ""

    def stop(self) -> None:
        """Let go of the run's lock."""
        with self._mutex:
            if self._pid != os.getpid():
                return  # nothing was started here, or a forked child is ending, and the session is its parent's
            atexit.unregister(self.stop)
            session, self._session, self._facts, self._pid = self._session, None, None, None
            assert session is not None
            session.close()

    def _maintenance(self) -> str:
        return self._url.database or "postgres"

    def _first_session(self) -> psycopg.Connection[Any]:
        try:
            return self._open(self._maintenance())
        except ServerUnavailable as error:
            self._unavailable = error
            raise

    @uncontained()
    def _open(self, database: str, **options: Any) -> psycopg.Connection[Any]:
        driver = installed.psycopg()
        try:
            # In no variable: a traceback shows those, and one would hold the password.
            connection: psycopg.Connection[Any] = driver.connect(
                **parameters(self._url.set(database=database)),
                **variables.named(knows, keep={*variables.CREDENTIALS, *self._url.query}),
                **{"autocommit": True, **options},
            )
        except driver.Error as error:
            said = without_password(str(error).strip(), self._url)
            names = variables.at_fault(said)
            raise ServerUnavailable(
                f"the PostgreSQL server {masked(self._url)} cannot be reached.",
                why="\n".join(filter(None, (said, variables.are_set(names)))),
                hints=(
                    *(f"unset {name}" for name in names),
                    "check hermetic_postgresql: host, port, role, password and database",
                ),
            ) from None  # its traceback shows the password
        return connection

    def _learn(self, session: psycopg.Connection[Any]) -> Facts:
        row = session.execute(FACTS).fetchone()
        assert row is not None
        number, version, superuser, creates, connections, collation, role = row
        self.administrator = role
        if not creates:
            self.stop()
            raise InsufficientPrivilege(
                f"the role {role!r} may not create databases on {masked(self._url)}.",
                why="hermetic makes a database of its own for each worker.",
                hints=(f"as a superuser: ALTER ROLE {quoted(role)} CREATEDB",),
            )
        source = f"{masked(self._url)} ({version.split()[0]})"
        return Facts(number, source, collation, superuser, connections)

    @staticmethod
    def _drop(session: psycopg.Connection[Any], name: str) -> bool:
        driver = installed.psycopg()
        statement = driver.sql.SQL("DROP DATABASE IF EXISTS {}").format(driver.sql.Identifier(name))
        try:
            session.execute(statement)
        except driver.Error:
            return False  # in use, or another run was faster
        return True


def _signed(run_id: str) -> int:
    """Return a run's id as the signed number that advisory locks take."""
    number = int(run_id, 16)
    return number - 2**32 if number >= 2**31 else number
