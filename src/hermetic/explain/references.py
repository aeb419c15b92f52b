"""A foreign key that the database did not check, where the test expected a refusal, or what comes with a deletion."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hermetic.causes.data import FOREIGN_KEY_NOT_CHECKED
from hermetic.events.application import RequestEnded
from hermetic.events.database import ReferenceBroken, Statement
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.history import History
from hermetic.statements import names_table, written

_NOT_RAISED = re.compile(
    r"DID NOT RAISE\b.*(?:IntegrityError|DBAPIError|DatabaseError|ForeignKey\w*|HTTPException)"
)
_REFUSAL = re.compile(r"\b4\d\d\b")
DELETING = ("DELETE", "TRUNCATE")
NOTHING_DONE = ("", "NO ACTION", "RESTRICT")


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the foreign key of a row that refers to nothing, and the statement that left it so."""
    if failure.phase != "call":
        return
    for broken in history.of(ReferenceBroken):
        of_the_test = [each for each in history.of(Statement) if each.owner.is_within(failure.owner)]
        leaving = [each for each in of_the_test if _leaves(each, broken)]
        if leaving and (
            _expects_a_refusal(failure, history, leaving[-1])
            or _expects_an_action(history, leaving[-1], broken)
        ):
            yield _explanation(leaving[-1], broken)
            return


def _leaves(statement: Statement, broken: ReferenceBroken) -> bool:
    """Whether a statement may have written rows that refer to nothing, or deleted those that others refer to."""
    write = None if statement.error else written(statement)
    return write is not None and write.table == (broken.parent if write.verb in DELETING else broken.table)


def _expects_a_refusal(failure: Failure, history: History, statement: Statement) -> bool:
    text = str(failure.error)
    if _NOT_RAISED.search(text):
        return True
    first = text.partition("\n")[0]
    answers = [
        each for each in history.of(RequestEnded) if each.owner is statement.owner and each.status < 300
    ]
    return isinstance(failure.error, AssertionError) and any(
        re.search(rf"\b{each.status}\b", first) and _REFUSAL.search(first) for each in answers
    )


def _expects_an_action(history: History, statement: Statement, broken: ReferenceBroken) -> bool:
    """Whether what should have been done to the rows of a deleted one was not, and somebody looked for it."""
    told = history.told
    reading = (each for each in told[told.index(statement) :] if isinstance(each, Statement))
    return broken.on_delete not in NOTHING_DONE and any(
        each.text.startswith("SELECT") and names_table(each.text, broken.table) for each in reading
    )


def _explanation(statement: Statement, broken: ReferenceBroken) -> Explanation:
    write = written(statement)
    is_deleting = write is not None and write.verb in DELETING
    did = f"deleted what {broken.columns} refers to" if is_deleting else "wrote a row that refers to nothing"
    then = f"; its ON DELETE {broken.on_delete} was not done" if broken.on_delete not in NOTHING_DONE else ""
    return Explanation(
        FOREIGN_KEY_NOT_CHECKED,
        (
            f"{statement.owner.name} {did} ({statement.location}), and {broken.backend} let it: a connection checks no"
            f" foreign key unless it is told to.",
            f"The foreign key is {broken.columns}, of {broken.parent}{then}.",
        ),
        broken.change,
    )
