"""What drivers tell of a connection."""

from __future__ import annotations

from typing import Any

import psycopg

from hermetic.database.backends.postgresql.restore.drivers import backend_pid, in_transaction
from tests.database.backends.postgresql.restore.opened import Opened


def test_a_driver_that_tells_nothing() -> None:
    """Its connections have no process that could be ended, and nothing open that could be reported."""
    connection: Any = object()
    assert backend_pid(connection) is None
    assert not in_transaction(connection)


def test_a_connection_that_is_lost(opened: Opened) -> None:
    """Has no transaction open any more, as asyncpg and the seams of drivers say it too."""
    connection: Any = psycopg.connect(opened.database.url.render_as_string(hide_password=False))
    connection.execute("SELECT 1")
    assert in_transaction(connection)
    connection.pgconn.finish()
    assert not in_transaction(connection)
