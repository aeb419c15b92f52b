"""What drivers tell of a connection."""

from __future__ import annotations

from typing import Any

from hermetic.database.backends.postgresql.restore.drivers import backend_pid, in_transaction


def test_a_driver_that_tells_nothing() -> None:
    """Its connections have no process that could be ended, and nothing open that could be reported."""
    connection: Any = object()
    assert backend_pid(connection) is None
    assert not in_transaction(connection)
