"""hermetic's own session in a worker database: synchronous, so that no event loop owns it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.resources import files
from threading import RLock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

LOCK_PATIENCE = 2.0
"""Seconds that a restore waits for the locks of others before it names them."""

_SETTINGS = (
    "SET hermetic.off = 'on'",
    f"SET lock_timeout = '{LOCK_PATIENCE}s'",
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
    """

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], *, privileged: bool) -> None:
        self.privileged = privileged
        self.schema = SCHEMA if privileged else SCHEMA_OF_THE_UNPRIVILEGED
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None
        self._lock = RLock()

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The session, opened if it is not."""
        with self._lock:
            if self._connection is None or self._connection.closed:
                self._connection = self._connect()
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
        with self._lock:
            return self.connection.execute(self._named(query), parameters or None, prepare=True).fetchone()

    def all(self, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Run a statement and return its rows."""
        with self._lock:
            return self.connection.execute(self._named(query), parameters or None).fetchall()

    def run(self, query: str, parameters: Sequence[Any] | None = None) -> None:
        """Run one statement, or without parameters several."""
        with self._lock:
            self.connection.execute(self._named(query), parameters)

    def run_file(self, *names: str) -> None:
        """Run files of ``sql/``, in one transaction."""
        with self._lock, self.connection.transaction():
            for name in names:
                self.connection.execute(self._named(script(name)))

    def _named(self, query: str) -> Any:
        return query if self.privileged else query.replace(SCHEMA, self.schema)

    def close(self) -> None:
        """End the session."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


OUR_SCHEMAS = r"^(pg_)?hermetic(_\d+)?$"


def remove_ours(administration: Administration) -> None:
    """Take our own schemas, triggers and functions out of a database, as a copy has them."""
    for (schema,) in administration.all("SELECT nspname FROM pg_namespace WHERE nspname ~ %s", [OUR_SCHEMAS]):
        administration.run(f'DROP SCHEMA "{schema}" CASCADE')


def scripts() -> list[str]:
    """Return all of ``sql/``: what hermetic puts into a database is part of what a template holds."""
    return [
        each.read_text(encoding="utf-8") for each in sorted((files(__package__) / "sql").iterdir(), key=str)
    ]


@lru_cache
def script(name: str) -> str:
    """Return the text of a file in ``sql/``."""
    return (files(__package__) / "sql" / f"{name}.sql").read_text(encoding="utf-8")
