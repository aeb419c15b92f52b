"""The counters of AUTOINCREMENT, which do not belong to one layer: each counter is the highest that any layer left.

So ids start again at the baseline's value, whatever order the layers came and went in.
"""

from __future__ import annotations

from collections.abc import Iterable

from hermetic.database.backends.sqlite.restore.snapshot import Snapshot


def read_sequences(snapshot: Snapshot) -> dict[str, int]:
    """Return the last id given out by each table with AUTOINCREMENT."""
    exists = snapshot.connection.execute(
        "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"
    ).fetchall()
    if not exists:
        return {}
    return dict(snapshot.connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())


def moved_sequences(before: Snapshot, after: Snapshot) -> dict[str, int]:
    """Return the counters of ``after`` that are not what they were."""
    old = read_sequences(before)
    return {table: seq for table, seq in read_sequences(after).items() if old.get(table) != seq}


def set_sequences(snapshot: Snapshot, base: Snapshot, moved: Iterable[dict[str, int]]) -> None:
    """Set each counter to the highest of the base's and the layers'."""
    counters = read_sequences(base)
    for layer in moved:
        for table, seq in layer.items():
            counters[table] = max(seq, counters.get(table, seq))
    execute = snapshot.connection.execute
    if not execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchall():
        return
    tables = {name for (name,) in execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()}
    execute("DELETE FROM sqlite_sequence")
    for table, seq in counters.items():
        if table in tables:
            execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, seq))
