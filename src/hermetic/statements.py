"""What a statement writes, by how it begins."""

from __future__ import annotations

import re
from typing import NamedTuple

from hermetic.events.database import Statement

WORDS = frozenset({"INSERT", "UPDATE", "DELETE", "TRUNCA", "REPLAC", "MERGE "})
"""How a statement begins that writes, as far as it is looked at first."""

_WRITE = re.compile(
    r"\s*(INSERT|UPDATE|DELETE|TRUNCATE|REPLACE|MERGE)\s+(?:OR\s+\w+\s+)?(?:INTO\s+|FROM\s+|TABLE\s+)?(?:ONLY\s+)?"
    r"([\w.\"`\[\]]+)",
    re.IGNORECASE,
)


class Write(NamedTuple):
    """A statement that wrote.

    Attributes:
        test: The test that did, itself or by a request.
        verb: ``"INSERT"``, ``"UPDATE"`` and so on.
        table: The table's name, without its schema.
        rows: How many rows; less than 1 where the driver did not say.
        parameters: Its parameters, as they were told.
        engine: The URL of its engine.
    """

    test: str
    verb: str
    table: str
    rows: int
    parameters: str
    engine: str


def written(event: Statement, test: str) -> Write | None:
    """Return what a statement wrote; None where it only read."""
    found = _WRITE.match(event.text)
    if found is None:
        return None
    return Write(test, found[1].upper(), table_name(found[2]), event.rows, event.parameters, event.engine)


def table_name(table: str) -> str:
    """Return a table's name as a statement writes it, without its schema and its quotes."""
    return table.rpartition(".")[2].strip('"`[]').lower()
