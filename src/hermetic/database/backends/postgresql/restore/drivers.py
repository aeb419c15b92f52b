"""What can be asked of a PostgreSQL driver's connection without a word to the server."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import URL
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic.database.backends.postgresql.drivers import psycopg, psycopg2, variables
from hermetic.database.backends.postgresql.drivers.asking import Asyncpg, Psycopg
from hermetic.database.backends.postgresql.drivers.libpq import ELSEWHERE, sslmode

_LIBPQ = {"psycopg": psycopg.knows, "psycopg_async": psycopg.knows, "psycopg2": psycopg2.knows}
"""Tells for each driver of libpq which parameters its libpq has."""


def driver_connection(connection: DBAPIConnection) -> Any:
    """Return the driver's own connection inside what a pool holds."""
    return getattr(connection, "driver_connection", None) or connection


def _driver_of(connection: DBAPIConnection) -> tuple[Asyncpg | Psycopg, Any]:
    """Return who can be asked of a connection, and the driver's own; psycopg2 answers as psycopg does."""
    found = driver_connection(connection)
    return (Asyncpg() if hasattr(found, "get_server_pid") else Psycopg()), found


def backend_pid(connection: DBAPIConnection) -> int | None:
    """Return the process id of the server's side; None where the driver does not tell."""
    driver, found = _driver_of(connection)
    return driver.pid(found)


def database_of(connection: DBAPIConnection) -> URL | None:
    """Return the database that a connection is on, as its driver has it; None where that does not tell."""
    driver, found = _driver_of(connection)
    with suppress(Exception):
        return driver.reached(found)
    return None


def in_transaction(connection: DBAPIConnection) -> bool:
    """Whether the server's last word was that a transaction is open; of a connection that is lost, none is."""
    driver, found = _driver_of(connection)
    with suppress(Exception):
        return driver.in_transaction(found)
    return False


def sqlstate(error: BaseException) -> str | None:
    """Return the server's code for an error, as the driver, or SQLAlchemy's adapter of it, has it."""
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)  # the latter: psycopg2
    return str(code) if code else None


def connect_arguments(dialect: Dialect, params: dict[str, Any], ours: URL) -> dict[str, Any]:
    """Return what an engine passes to its driver, with another server, database and user.

    Args:
        dialect: The engine's.
        params: What it would have passed.
        ours: The URL to open.
    """
    plain = ours.difference_update_query(["sslmode"]) if dialect.driver == "asyncpg" else ours
    _, replacing = dialect.create_connect_args(plain.set(drivername=f"postgresql+{dialect.driver}"))
    kept = {key: value for key, value in params.items() if key not in ELSEWHERE}
    return {**kept, **_unlike_the_environment(dialect.driver, ours), **replacing}


def _unlike_the_environment(driver: str, ours: URL) -> dict[str, Any]:
    """Return what says, in place of libpq's variables, how our server is reached."""
    if driver == "asyncpg":
        return {"ssl": sslmode(ours), "direct_tls": False, "target_session_attrs": "any"}
    knows = _LIBPQ.get(driver, lambda keyword: False)
    return variables.named(knows, keep=variables.BEHAVIOUR | variables.CREDENTIALS)
