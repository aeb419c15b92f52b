"""What a request wrote and nobody committed: its Session was closed, which rolls back, and somebody looked for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hermetic.causes.data import REQUEST_NOT_COMMITTED
from hermetic.code import UNKNOWN
from hermetic.events import Event
from hermetic.events.application import RequestEnded
from hermetic.events.database import Statement
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.history import History
from hermetic.explain.isolation import Reading, is_of_the_test, missed
from hermetic.explain.transactions import Written, writes
from hermetic.statements import Write, names_table


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the request, and its line, where the test or a later request looked for the row."""
    if failure.phase != "call" or not is_of_the_test(failure):
        return
    told = history.told
    well = {each.owner for each in history.of(RequestEnded) if each.status < 400 and not each.error}
    for lost in _lost(told):
        if lost.statement.owner not in well or not lost.statement.owner.is_within(failure.owner):
            continue
        later = [each for each in told[lost.end :] if isinstance(each, Statement)]
        reading = [each for each in later if _reads(each, lost.write.table)]
        for statement in reading:
            if _is_missed(failure, history, statement, lost.write):
                yield _explanation(lost, statement)
                return


def _lost(told: Sequence[Event]) -> Iterator[Written]:
    """Give what requests wrote and the end of a block, or a close, rolled back: nobody has said so in a line."""
    for each in writes(told):
        is_lost = each.ended is not None and each.ended.how == "rollback" and each.ended.location is UNKNOWN
        if is_lost and each.statement.owner.kind == "request" and each.write.rows != 0:
            yield each


def _reads(statement: Statement, table: str) -> bool:
    is_reading = statement.text.startswith("SELECT") and not statement.error
    return is_reading and names_table(statement.text, table)


def _is_missed(failure: Failure, history: History, statement: Statement, write: Write) -> bool:
    reading = Reading(statement, write.table, is_own=False)
    texts = re.findall(r"'([^']{2,})'", write.parameters)
    is_named = isinstance(failure.error, AssertionError) and any(each in str(failure.error) for each in texts)
    return is_named or missed(failure, history, reading, [write]) is not None


def _explanation(lost: Written, reading: Statement) -> Explanation:
    request, place = lost.statement.owner.name, lost.statement.location
    return Explanation(
        REQUEST_NOT_COMMITTED,
        (
            f"{request} wrote to {lost.write.table} ({place}), and its transaction ended without a commit: the row was"
            f" gone when {reading.owner.name} looked for it ({reading.location}).",
        ),
        (f"await session.commit() after {place}; a flush sends what is to be written, and keeps nothing",),
    )
