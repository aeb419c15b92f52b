"""A statement in a transaction that an earlier one has failed in: until it is rolled back nothing runs there."""

from __future__ import annotations

from collections.abc import Iterator

from hermetic.causes.data import TRANSACTION_ABORTED
from hermetic.events.database import Statement
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import place_of
from hermetic.explain.history import History

ABORTED = "current transaction is aborted, commands ignored"


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the statement that had failed before."""
    if not any(ABORTED in str(error) for error in failure.chain()):
        return
    failed = [each for each in history.of(Statement) if each.error]
    late = next((each for each in failed[::-1] if ABORTED in each.message), None)
    if late is None:
        return
    before = [each for each in failed if each.connection == late.connection and ABORTED not in each.message]
    if before:
        first = before[-1]
        yield Explanation(
            TRANSACTION_ABORTED,
            (
                f"{place_of(failure.error, str(late.location))} goes on in a transaction in which a statement has"
                f" failed ({first.location}: {first.error}): the database runs nothing more in it.",
            ),
            (
                f"async with session.begin_nested(): ... around {first.location}, so that only that is undone; or"
                " rollback() after the error was caught",
            ),
        )
