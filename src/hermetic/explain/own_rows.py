"""A row that a request has written and not committed, and that it looked for by another session: a background task."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hermetic.causes.data import OWN_ROW_NOT_COMMITTED
from hermetic.events import Event
from hermetic.events.database import Statement, TransactionEnded
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import objects_through, places
from hermetic.explain.history import History
from hermetic.statements import written


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
    """Return the last statement of the request that ran last, if it may have missed a row of the request's own."""
    statements = [each for each in told if isinstance(each, Statement)]
    reading = statements[-1] if statements else None
    if reading is None or reading.owner.kind != "request" or reading.rows > 0 or written(reading) is not None:
        return None
    pending: dict[int, list[Statement]] = {}
    for event in told:
        if event is reading:
            break
        if isinstance(event, TransactionEnded):
            pending.pop(event.connection, None)
        elif isinstance(event, Statement) and event.owner is reading.owner and not event.error:
            write = written(event)
            if write is not None and write.verb != "DELETE" and _names(reading, write.table):
                pending.setdefault(event.connection, []).append(event)
    others = [each[-1] for number, each in pending.items() if number != reading.connection]
    return (reading, others[-1]) if others else None


def _names(statement: Statement, table: str) -> bool:
    return re.search(rf"\b{re.escape(table)}\b", statement.text, re.IGNORECASE) is not None
