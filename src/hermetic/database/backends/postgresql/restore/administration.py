"""hermetic's own session in a worker database: synchronous, so that no event loop owns it.

Restores leave dead rows behind, which nothing but VACUUM takes away. Autovacuum comes whenever it likes. A VACUUM of
the few tables that restores rewrote, every so many restores, keeps their cost flat and takes a millisecond or two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.resources import files
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from hermetic.database.backends.postgresql.restore.drivers import sqlstate
from hermetic.database.protocols import Wait, as_it_is

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGconn, PGresult

T = TypeVar("T")

LOCK_PATIENCE = 2.0
"""Seconds that a restore waits for the locks of others before it names them."""

AT_ONCE = "1ms"
"""What a statement waits for a lock at first, while nobody's event loop can turn; zero would be for ever."""

LOCK_NOT_AVAILABLE = "55P03"

NOT_PREPARED = "26000"
"""psycopg has freed all that was prepared, as it does after an ALTER or a DROP."""

DEADLOCKS = 3
"""A statement that the server ends, since somebody waits for it who has what it waits for, is tried so often."""

_SETTINGS = (
    "SET hermetic.off = 'on'",
    f"SET lock_timeout = '{AT_ONCE}'",
    "SET search_path = pg_catalog, public",
    "SET default_transaction_isolation = 'read committed'",
    "SET default_transaction_read_only = off",
    "SET DateStyle = 'ISO'",
    "SET IntervalStyle = 'postgres'",
    "SET extra_float_digits = 1",
    "SET idle_session_timeout = 0",
    "SET check_function_bodies = off",
    "SET client_min_messages = error",
    "SET row_security = off",
    "SET statement_timeout = 0",
)
_PRIVILEGED = ("SET session_replication_role = replica", "SET allow_system_table_mods = on")

SCHEMA = "pg_hermetic"
SCHEMA_OF_THE_UNPRIVILEGED = "hermetic"
"""Names that begin with pg_ are reserved; only a superuser may lift that."""


class Administration:
    """One session, opened at first use; not for the application's work.

    Args:
        connect: Opens a connection in autocommit.
        privileged: Whether it is a superuser's.
        wait: Does what waits for the locks of the application.
    """

    def __init__(
        self, connect: Callable[[], psycopg.Connection[Any]], *, privileged: bool, wait: Wait = as_it_is
    ) -> None:
        self.privileged = privileged
        self.schema = SCHEMA if privileged else SCHEMA_OF_THE_UNPRIVILEGED
        self._connect = connect
        self._wait = wait
        self._connection: psycopg.Connection[Any] | None = None
        self._prepared: dict[str, bytes] = {}
        self._lock = RLock()

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The session, opened if it is not."""
        with self._lock:
            if self._connection is None or self._connection.closed:
                self._connection = self._connect()
                self._prepared = {}
                settings = (*_SETTINGS, *_PRIVILEGED) if self.privileged else _SETTINGS
                self._connection.execute("; ".join(settings))  # one round trip
            return self._connection

    @property
    def pid(self) -> int | None:
        """The process of the server's side; None while there is no session."""
        if self._connection is None or self._connection.closed:
            return None
        return self._connection.info.backend_pid

    @property
    def is_lost(self) -> bool:
        """Whether the server ended the session."""
        return self._connection is not None and self._connection.closed

    def one(self, query: str, parameters: Sequence[Any] = ()) -> Any:
        """Run a statement and return its first row; it is prepared once."""
        named = self._named(query)
        return self._do(
            lambda connection: connection.execute(named, parameters or None, prepare=True).fetchone()
        )

    def texts(self, query: str, parameter: str) -> Sequence[str | None]:
        """Run a statement with one parameter and return its first row as texts; it is prepared once.

        libpq runs it by itself, in half to a third of the processor's time that psycopg's cursors take. psycopg does
        where a lock is in the way, for its waiting can be interrupted, and where it has freed what was prepared.
        """
        named = self._named(query)
        try:
            with self._lock:
                return self._first_row(named, parameter)
        except Exception as error:
            if sqlstate(error) == NOT_PREPARED:
                self._prepared = {}
            elif not _is_lock(error):
                raise
        return [None if value is None else str(value) for value in self.one(query, [parameter])]

    def _first_row(self, query: str, parameter: str) -> Sequence[str | None]:
        pgconn = self.connection.pgconn
        name = self._prepared.get(query)
        if name is None:
            name = f"hermetic_{len(self._prepared)}".encode()
            _checked(pgconn, pgconn.prepare(name, query.replace("%s", "$1").encode()))
            self._prepared[query] = name
        result = _checked(pgconn, pgconn.exec_prepared(name, [parameter.encode()]))
        values = [result.get_value(0, column) for column in range(result.nfields)]
        return [None if value is None else value.decode() for value in values]

    def all(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """Run a statement and return its rows."""
        named = self._named(query)
        return self._do(lambda connection: connection.execute(named, parameters or None).fetchall())

    def run(self, query: str, parameters: Sequence[Any] | None = None) -> None:
        """Run one statement, or without parameters several, in one transaction."""
        named = self._named(query)
        self._do(lambda connection: connection.execute(named, parameters))

    def run_file(self, *names: str) -> None:
        """Run files of ``sql/``, in one transaction."""
        texts = [self._named(script(name)) for name in names]

        def run_all(connection: psycopg.Connection[Any]) -> None:
            with connection.transaction():
                for text in texts:
                    connection.execute(text)

        self._do(run_all)

    def _do(self, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        """Do something that is done wholly or not at all; where a lock is in the way, while others can go on."""
        with self._lock:
            connection = self.connection
            try:
                return work(connection)
            except Exception as error:
                if not _is_lock(error):
                    raise
            return self._wait(lambda: _patiently(connection, work))

    def _named(self, query: str) -> Any:
        return query if self.privileged else query.replace(SCHEMA, self.schema)

    def close(self) -> None:
        """End the session."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _is_lock(error: Exception) -> bool:
    return sqlstate(error) == LOCK_NOT_AVAILABLE


def _checked(pgconn: PGconn, result: PGresult) -> PGresult:
    if not result.error_message:
        return result
    from psycopg import OperationalError
    from psycopg.errors import error_from_result

    error = error_from_result(result)
    if error.sqlstate:
        raise error
    raise OperationalError(pgconn.error_message.decode(errors="replace"))  # libpq's own: the session is lost


OUR_SCHEMAS = r"^(pg_)?hermetic(_\d+)?$"


def remove_ours(administration: Administration) -> None:
    """Take our own schemas, triggers and functions out of a database, as a copy has them."""
    for (schema,) in administration.all("SELECT nspname FROM pg_namespace WHERE nspname ~ %s", [OUR_SCHEMAS]):
        administration.run(f'DROP SCHEMA "{schema}" CASCADE')


def _patiently(connection: psycopg.Connection[Any], work: Callable[[psycopg.Connection[Any]], T]) -> T:
    """Do something that may wait for locks; again where that was a deadlock."""
    from psycopg.errors import DeadlockDetected

    connection.execute(f"SET lock_timeout = '{LOCK_PATIENCE}s'")
    try:
        for _ in range(DEADLOCKS - 1):
            with suppress(DeadlockDetected):
                return work(connection)
        return work(connection)
    finally:
        if not connection.closed:
            connection.execute(f"SET lock_timeout = '{AT_ONCE}'")


def scripts() -> list[str]:
    """Return all of ``sql/``: what hermetic puts into a database is part of what a template holds."""
    return [
        each.read_text(encoding="utf-8") for each in sorted((files(__package__) / "sql").iterdir(), key=str)
    ]


@lru_cache
def script(name: str) -> str:
    """Return the text of a file in ``sql/``."""
    return (files(__package__) / "sql" / f"{name}.sql").read_text(encoding="utf-8")


EVERY = 100
"""Restores between two rounds."""

STALE = """
    SELECT format('%I.%I', schemaname, relname) FROM pg_catalog.pg_stat_user_tables
    WHERE n_dead_tup > 50 OR (schemaname ^@ 'pg_hermetic' AND n_dead_tup > 0)
"""


class Vacuum:
    """Counts restores, and tidies up every so often."""

    def __init__(self) -> None:
        self._restores = 0

    def after_restore(self, administration: Administration) -> None:
        """Note a restore that wrote."""
        self._restores += 1
        if self._restores % EVERY:
            return
        for (table,) in administration.all(STALE):
            administration.run(f"VACUUM (SKIP_LOCKED) {table}")
