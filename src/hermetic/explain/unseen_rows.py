"""A row that the test has written and not committed: the request that looks for it has a transaction of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hermetic.causes.data import ROW_NOT_COMMITTED
from hermetic.code import Location
from hermetic.events.database import Statement
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import attribute, places, project_frames, session_of
from hermetic.explain.history import History
from hermetic.explain.isolation import Reading, is_of_the_test, missed
from hermetic.explain.transactions import writes
from hermetic.statements import Write, names_table


class Uncommitted(NamedTuple):
    """What the test, or a fixture of it, has written and not committed.

    Attributes:
        write: It.
        who: Who has.
        place: The line that wrote it; of what was not even flushed, None.
    """

    write: Write
    who: str
    place: Location | None

    def __str__(self) -> str:
        if self.place is None:
            return f"{self.who} has added a row of {self.write.table} to a session, and not committed it"
        return f"{self.who} has written to {self.write.table} ({self.place}), and not committed it"


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say which row a request could not see, where it looked for it and the test failed."""
    if failure.phase != "call" or not is_of_the_test(failure):
        return
    added = list(_added(failure))
    for statement, pending in _readings(history):
        for each in (*pending, *added):
            reading = Reading(statement, each.write.table, is_own=False)
            if _may_find(statement, each.write) and missed(failure, history, reading, [each.write]):
                yield _explanation(failure, statement, each)
                return


def _explanation(failure: Failure, statement: Statement, unseen: Uncommitted) -> Explanation:
    request = statement.owner.name.partition(" of ")[0]
    sent = next((each for each in places(failure.error)), None)
    where = unseen.place or sent
    return Explanation(
        ROW_NOT_COMMITTED,
        (
            f"{unseen} when the {request} looked for it ({statement.location}): a request has a session and a"
            " transaction of its own, and sees what was committed.",
        ),
        (f"await session.commit() before the request{'' if where is None else f', after {where}'}",),
    )


def _readings(history: History) -> Iterator[tuple[Statement, Sequence[Uncommitted]]]:
    """Give the statements of requests, each with what the test had pending then on another connection."""
    told = history.told
    own = [each for each in writes(told) if each.statement.owner.kind != "request" and each.write.rows != 0]
    for at, event in enumerate(told):
        if isinstance(event, Statement) and event.owner.kind == "request":
            yield (
                event,
                [
                    Uncommitted(each.write, each.statement.owner.name, each.statement.location)
                    for each in own
                    if each.is_pending(at) and each.statement.connection != event.connection
                ],
            )


def _added(failure: Failure) -> Iterator[Uncommitted]:
    """Give what sessions of the test hold that nobody has flushed."""
    held = [value for frame in project_frames(failure.error) for value in frame.f_locals.values()]
    values = (*held, *(each.value for each in failure.fixtures))
    sessions = {id(own): own for value in values if (own := session_of(value)) is not None}
    for session in sessions.values():
        for instance in list(session.new):
            table = instance._sa_instance_state.mapper.local_table.name.lower()
            url = attribute(attribute(session, "bind"), "url")
            engine = "" if url is None else url.render_as_string(hide_password=True)
            yield Uncommitted(
                Write(failure.owner.name, "INSERT", table, 1, "", engine), failure.owner.name, None
            )


def _may_find(statement: Statement, write: Write) -> bool:
    """Whether a statement names the table that was written to, on the same database."""
    if write.engine and _without_driver(write.engine) != _without_driver(statement.engine):
        return False
    return names_table(f"{statement.text} {statement.message}", write.table)


def _without_driver(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return scheme.partition("+")[0] + separator + rest
