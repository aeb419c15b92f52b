"""An id that a sequence gives though a row has it: somebody has inserted that row with an id of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hermetic.causes.data import ID_GIVEN_TWICE
from hermetic.events.database import Statement
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.history import History
from hermetic.statements import table_name

_TAKEN = re.compile(r"violates unique constraint \"(\w+)_pkey\"")
_INSERT = re.compile(r"\s*INSERT INTO ([\w.\"]+) \(([^)]*)\) VALUES", re.IGNORECASE)


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the line that has given an id itself, before the INSERT that left it to the sequence failed."""
    if failure.phase != "call":
        return
    given: dict[str, tuple[Statement, set[str]]] = {}
    for statement in history.of(Statement):
        inserted = _INSERT.match(statement.text)
        if inserted is None:
            continue
        table, columns = table_name(inserted[1]), {each.strip(' "') for each in inserted[2].split(",")}
        taken = _TAKEN.search(statement.message) if statement.error else None
        if not statement.error:
            given[table] = statement, columns
        elif taken is not None and taken[1] == table and table in given:
            first, before = given[table]
            if len(more := before - columns) == 1 and columns < before:
                yield _explanation(first, statement, table, more.pop())
                return


def _explanation(first: Statement, second: Statement, table: str, column: str) -> Explanation:
    return Explanation(
        ID_GIVEN_TWICE,
        (
            f"The INSERT of {table} at {first.location}, by {first.owner.name}, gave {column} itself, which the"
            f" sequence of {table} does not count: it gave the same one at {second.location}.",
        ),
        (
            f"{first.location}: without {column}, and read it after the flush; or one that no sequence reaches",
        ),
    )
