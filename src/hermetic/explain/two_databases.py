"""A row that was written to one database and looked for in another: test and application have an engine each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hermetic.causes.data import IN_ANOTHER_DATABASE
from hermetic.events.database import EngineResolved, Statement
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.history import History
from hermetic.explain.isolation import fits, is_of_the_test
from hermetic.statements import Write, names_table, written


class Row(NamedTuple):
    """A row that somebody has written.

    Attributes:
        statement: What did.
        write: The table.
        engine: The engine that it went by.
    """

    statement: Statement
    write: Write
    engine: EngineResolved


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name both engines, where the test has written and a request looked for it, or the other way round."""
    if failure.phase != "call" or not is_of_the_test(failure):
        return
    rows: list[Row] = []
    for event in history.of(Statement):
        engine = history.databases.engine_of(event.engine)
        if engine is None or event.error or not event.owner.is_within(failure.owner):
            continue
        write = written(event)
        if write is not None:
            rows.append(Row(event, write, engine))
        elif event.rows <= 0:
            elsewhere = [each for each in rows if _is_looked_for(each, event, engine)]
            own = [each for each in rows if each.engine.destination == engine.destination]
            is_missed = elsewhere and elsewhere[-1].write.table not in {each.write.table for each in own}
            if is_missed and fits(failure, event, [each.write for each in elsewhere]):
                yield _explanation(elsewhere[-1], event, engine)
                return


def _is_looked_for(row: Row, reading: Statement, engine: EngineResolved) -> bool:
    """Whether a statement of the other side, a request or the test, asks another database for the row's table."""
    is_request, wrote_request = (each.owner.kind == "request" for each in (reading, row.statement))
    return (
        row.write.verb != "DELETE"
        and is_request is not wrote_request
        and row.engine.destination != engine.destination
        and names_table(reading.text, row.write.table)
    )


def _explanation(row: Row, reading: Statement, engine: EngineResolved) -> Explanation:
    write, read = row.statement, reading
    applications = engine if read.owner.kind == "request" else row.engine
    made = "" if applications.location is None else f", {applications.location}"
    return Explanation(
        IN_ANOTHER_DATABASE,
        (
            f"{write.owner.name} wrote to {row.write.table} ({write.location}) in one database, and {read.owner.name}"
            f" looked for it ({read.location}) in another one.",
            f"The row went by the engine for {_shown(row.engine)}; the query by that for {_shown(engine)}.",
        ),
        (
            f"the application's own engine in the test, too: import it from where it is made{made}",
            "or an override of the dependency that gives the application its session, by one of the test's engine",
            f"or, where {engine.url} is a replica, hermetic_targets = {engine.url} -> {row.engine.url}",
        ),
    )


def _shown(engine: EngineResolved) -> str:
    made = "" if engine.location is None else f", made at {engine.location}"
    return f"{engine.url}{made}"
