"""A test that needed what another one had left: hermetic has put the database back in between.

This is said only where the test read a table whose rows of earlier tests a restore had taken away, and where what it
found, or the values that it expected, fit to those rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hermetic.causes.data import NEEDS_ANOTHER_TEST
from hermetic.events.application import RequestEnded
from hermetic.events.database import Statement
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import places
from hermetic.explain.history import History
from hermetic.statements import Write, emptied, names_table, written

SHORT = 3
"""Characters of a text that may be the same by chance."""

SHOWN = 5
"""Of how many tests it is said what was undone."""

NOT_FOUND = 404
_COMPARED = re.compile(r"^assert (\d+) (?:==|>=|>|<=|<) (\d+)\b")
_VALUES = re.compile(r"'([^']*)'|\b(\d+)\b")
_NOTHING = re.compile(r"\[\]|\{\}|\(\)|''|\b(?:0|None|False|404)\b")
_CATALOGUE = re.compile(
    r"\s*PRAGMA\b|.*\b(sqlite_master|pg_catalog|information_schema)\b", re.IGNORECASE | re.DOTALL
)
"""What asks whether a table is there: ``create_all`` and ``drop_all`` do."""

_AGGREGATE = re.compile(r"\b(count|sum|max|min|avg|exists)\s*\(", re.IGNORECASE)


class Reading(NamedTuple):
    """A statement, of the test that failed or of a request of it, which read a table.

    Attributes:
        statement: It.
        table: The table.
        is_own: Whether the test had written to the table before.
    """

    statement: Statement
    table: str
    is_own: bool


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say what was undone before a test that looked for it."""
    before = history.undone.before(failure.owner)
    if failure.phase != "call" or not is_of_the_test(failure):
        return
    found_here = list(_of_its_module(failure, history, before))
    yield from found_here or _of_another_module(failure, history, before)


def _of_another_module(failure: Failure, history: History, before: Sequence[Write]) -> Iterator[Explanation]:
    """Say so of a module that ran earlier, where the test compares with a text that stood in one of its rows."""
    earlier = [each for each in history.undone.ever_before(failure.owner) if each not in before and each.test]
    texts = {text for text, _ in _VALUES.findall(str(failure.error)) if len(text) >= SHORT}
    named = [each for each in earlier if any(f"'{text}'" in each.parameters for text in texts)]
    if not named or not isinstance(failure.error, AssertionError):
        return
    for reading in _readings(failure, history, named):
        writes = [each for each in named if each.table == reading.table]
        if not reading.is_own and (found := missed(failure, history, reading, writes)) is not None:
            yield Explanation(
                NEEDS_ANOTHER_TEST,
                (
                    f"{failure.owner.name} {found} ({reading.statement.location}): what earlier tests of another module"
                    " had left there is gone.",
                    f"Hermetic had put the database back to its baseline (isolation: {failure.isolation}), and undone:",
                    *_told(writes),
                ),
                ("have the test, or a fixture of it, make what it needs",),
            )
            return


def _of_its_module(failure: Failure, history: History, before: Sequence[Write]) -> Iterator[Explanation]:
    for reading in _readings(failure, history, before):
        writes = [each for each in before if each.table == reading.table]
        if (found := missed(failure, history, reading, writes)) is not None:
            yield Explanation(
                NEEDS_ANOTHER_TEST,
                (
                    f"{failure.owner.name} {found} ({reading.statement.location}): what earlier tests of its module had"
                    " left there is gone.",
                    f"Hermetic had put the database back to its baseline (isolation: {failure.isolation}), and undone:",
                    *_told(writes),
                ),
                (
                    "have the test, or a fixture of it, make what it needs",
                    'to see that this is why: pytestmark = pytest.mark.hermetic(isolation="module") at the top of'
                    " its file",
                ),
            )
            return


def is_of_the_test(failure: Failure) -> bool:
    """Whether it is the test, or what helps it, that was not content, rather than the application that failed."""
    if isinstance(failure.error, AssertionError) or failure.function is None:
        return isinstance(failure.error, AssertionError)
    return [each.file for each in places(failure.error)[:1]] == [failure.function.file]


def _readings(failure: Failure, history: History, before: Sequence[Write]) -> Iterator[Reading]:
    """Give what the test read of the tables that others had written to."""
    tables = {each.table for each in before}
    own: set[str] = set()
    for statement in history.of(Statement):
        if not statement.owner.is_within(failure.owner):
            continue
        write = written(statement)
        if not statement.error:
            tables -= emptied(statement)  # the rows of others would be gone anyway
        if write is not None and not statement.error:
            own.add(write.table)
        elif write is not None:
            for table in tables - {write.table}:
                if _refers_to(statement, table):
                    yield Reading(statement, table, table in own)
        elif not _CATALOGUE.match(statement.text):
            for table in tables:
                if names_table(statement.text, table):
                    yield Reading(statement, table, table in own)


def _refers_to(statement: Statement, table: str) -> bool:
    """Whether a row could not be written because there was none for its foreign key."""
    message = getattr(statement, "message", "")
    return "is not present in table" in message and f'"{table}"' in message


def missed(failure: Failure, history: History, reading: Reading, writes: Sequence[Write]) -> str | None:
    """Say what a reading found, if what others had written would have made a difference; else None.

    Args:
        failure: The failure.
        history: What the test did.
        reading: The statement that read.
        writes: What had been written to that table, and was not there.
    """
    statement, table = reading.statement, reading.table
    inserted = [each for each in writes if each.verb in ("INSERT", "REPLACE", "MERGE")]
    if statement.error:
        return f"refers to a row of {table} that is not there" if inserted else None
    if (
        inserted
        and not reading.is_own
        and _is_nothing(statement, history)
        and fits(failure, statement, inserted)
    ):
        return f"read {table} and found nothing"
    if inserted and _fits_the_numbers(failure, inserted):
        return f"read {table} without the rows of other tests"
    changed = [each for each in writes if each.verb in ("UPDATE", "DELETE")]
    if not inserted and changed and not reading.is_own and _is_expected(failure, statement, changed):
        return f"read {table} without the rows of other tests"
    return None


def _is_nothing(statement: Statement, history: History) -> bool:
    """Whether a statement found no row; where the driver does not say, whether its request was answered by 404."""
    if _AGGREGATE.search(statement.text):
        return False
    if statement.rows >= 0:
        return statement.rows == 0 and not _finds_later(statement, history)
    ended = [each for each in history.of(RequestEnded) if each.owner is statement.owner]
    return any(each.status == NOT_FOUND for each in ended)


def _finds_later(statement: Statement, history: History) -> bool:
    """Whether the same statement has found rows afterwards: by the end of the test there were some."""
    same = [each for each in history.of(Statement) if each.text == statement.text]
    after = same[1 + next((at for at, each in enumerate(same) if each is statement), len(same)) :]
    return any(each.rows > 0 and each.parameters == statement.parameters for each in after)


def fits(failure: Failure, statement: Statement, inserted: Sequence[Write]) -> bool:
    """Whether one of the rows may be what was looked for, by the values that are known of both.

    Where all rows were asked for, an assertion has to be about nothing, or about what is in one of the rows.
    """
    rows = sum(max(each.rows, 1) for each in inserted)
    known = " ".join(each.parameters for each in inserted)
    if not re.search(r"\bWHERE\b", statement.text, re.IGNORECASE):
        message = str(failure.error)
        is_named = any(text and f"'{text}'" in known for text, _ in _VALUES.findall(message))
        return not isinstance(failure.error, AssertionError) or is_named or bool(_NOTHING.search(message))
    for text, number in _VALUES.findall(statement.parameters):
        if (text and f"'{text}'" in known) or (number and 1 <= int(number) <= rows):
            return True
    return False


def _fits_the_numbers(failure: Failure, inserted: Sequence[Write]) -> bool:
    """Whether what was counted and what was expected differ by the rows of all earlier tests, or of the last one."""
    compared = _COMPARED.match(str(failure.error)) if isinstance(failure.error, AssertionError) else None
    if compared is None or any(each.rows < 1 for each in inserted):
        return False
    last = [each for each in inserted if each.test == inserted[-1].test]
    counts = {sum(each.rows for each in some) for some in (inserted, last)}
    return abs(int(compared[1]) - int(compared[2])) in counts


def _is_expected(failure: Failure, statement: Statement, changed: Sequence[Write]) -> bool:
    """Whether a value that the test compares is one that an earlier test had put into the table."""
    if not isinstance(failure.error, AssertionError):
        return False
    first = str(failure.error).partition("\n")[0]
    compared = {text for text, _ in _VALUES.findall(first) if text}
    if any(f"'{text}'" in each.parameters for text in compared for each in changed):
        return True
    deleted = [each.parameters for each in changed if each.verb == "DELETE"]
    return bool(statement.parameters) and statement.parameters in deleted


def _told(writes: Sequence[Write]) -> Iterator[str]:
    """Give a line for each test: which rows of it were undone."""
    tests = list(dict.fromkeys(each.test for each in writes))
    for test in tests[:SHOWN]:
        for verb, word in (("INSERT", "inserted"), ("UPDATE", "updated"), ("DELETE", "deleted")):
            rows = [each.rows for each in writes if each.test == test and each.verb == verb]
            if rows:
                count = sum(rows) if all(each > 0 for each in rows) else 0
                many = f"{count} {'row' if count == 1 else 'rows'}" if count else "rows"
                yield f"  {writes[0].table}: {many} {word} by {test}"
    if len(tests) > SHOWN:
        yield f"  ... and rows of {len(tests) - SHOWN} more tests"
