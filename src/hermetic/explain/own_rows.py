"""A row that a request has written and not committed, and that it looked for by another session: a background task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hermetic.causes.data import OWN_ROW_NOT_COMMITTED
from hermetic.events import Event
from hermetic.events.database import Statement
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import objects_through, places
from hermetic.explain.history import History
from hermetic.explain.transactions import writes
from hermetic.statements import names_table, written


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name both lines, where the application failed for want of that row."""
    for error in failure.chain():
        at = next(iter(places(error)), None)
        if at is None or next(objects_through(error, "Starlette"), None) is None:
            continue
        found = _last_reading(history.told)
        if found is not None:
            reading, write = found
            request = reading.owner.name.partition(" of ")[0]
            yield Explanation(
                OWN_ROW_NOT_COMMITTED,
                (
                    f"{at} failed after the {request} had looked for a row ({reading.location}) that it had written"
                    f" itself ({write.location}), by another session, and not committed yet: what is not committed only"
                    " its own session sees.",
                ),
                (
                    f"await session.commit() after {write.location}, before what needs the row is started: the commit"
                    " of a dependency that yields comes after background tasks",
                ),
            )
            return


def _last_reading(told: Sequence[Event]) -> tuple[Statement, Statement] | None:
    """Return the last statement, where it may have missed a row of its own request, and the one that wrote that."""
    statements = [(at, each) for at, each in enumerate(told) if isinstance(each, Statement)]
    at, reading = statements[-1] if statements else (0, None)
    if reading is None or reading.owner.kind != "request" or reading.rows > 0 or written(reading) is not None:
        return None
    missed = [
        each.statement
        for each in writes(told)
        if each.is_pending(at)
        and each.statement.owner is reading.owner
        and each.statement.connection != reading.connection
        and each.write.verb != "DELETE"
        and names_table(reading.text, each.write.table)
    ]
    return (reading, missed[-1]) if missed else None
