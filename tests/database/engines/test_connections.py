"""The connections that pools hold open."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import create_engine

from hermetic.database.engines.connections import Index, OpenConnections, Opened

DIALECT = create_engine("sqlite://").dialect


def test_other_threads_open_connections_meanwhile() -> None:
    """Whoever looks through them, or closes them, is not disturbed."""
    index = Index()
    holder = OpenConnections(index)

    def opened_meanwhile() -> None:
        add()

    def add(record: Any = lambda: None) -> None:
        connection: Any = sqlite3.connect(":memory:")
        one = Opened(connection, DIALECT, None, holder, record)
        holder._opened.add(one)
        index.add(one)

    for _ in range(3):
        add(opened_meanwhile)
    assert holder.in_use() == []
    holder.close_orphans()
    holder.close()
    holder.close()
    assert len(holder) == 0
    assert list(index) == []
