"""The PostgreSQL server at 127.0.0.1, where one is: all workers of a suite share it, and several suites may.

A run that starts there drops the databases of dead ones. So a test that leaves such a database has the server alone,
and all others in which a run starts may share it. The lock lies on the server, where each suite looks for it, and goes
with the process that has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

URL = "postgresql://postgres@127.0.0.1:5432/postgres"


@contextmanager
def shared(url: str = URL) -> Iterator[psycopg.Connection]:
    """Have runs on a server while nobody has it alone.

    Raises:
        psycopg.OperationalError: No server answers.
    """
    with _locked(url, "pg_advisory_lock_shared") as connection:
        yield connection


@contextmanager
def alone(url: str = URL) -> Iterator[psycopg.Connection]:
    """Have a server while nobody else shares it.

    Raises:
        psycopg.OperationalError: No server answers.
    """
    with _locked(url, "pg_advisory_lock") as connection:
        yield connection


@contextmanager
def _locked(url: str, lock: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, connect_timeout=30, autocommit=True) as connection:
        connection.execute(f"SELECT {lock}(hashtext('the tests of hermetic'))")
        yield connection
