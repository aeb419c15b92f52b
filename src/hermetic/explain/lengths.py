"""A text that is longer than its column says, where the test expected a refusal: the database does not look."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress

from hermetic.causes.data import LENGTH_NOT_CHECKED
from hermetic.events.database import Statement
from hermetic.explain.definitions import project_tables
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import attribute
from hermetic.explain.history import History
from hermetic.statements import parameters_of, table_name, written

_NOT_RAISED = re.compile(
    r"DID NOT RAISE\b.*(?:DBAPIError|DatabaseError|DataError|StatementError|SQLAlchemyError)"
)


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the column, and the statement that has written more than it holds."""
    if _NOT_RAISED.search(str(failure.error)) is None:
        return
    for statement in history.of(Statement):
        write = None if statement.error else written(statement)
        if write is None or not statement.owner.is_within(failure.owner):
            continue
        for column, shown in parameters_of(statement.parameters).items():
            text = _text(shown)
            length = _length(write.table, column) if text else 0
            if length and len(text) > length:
                yield Explanation(
                    LENGTH_NOT_CHECKED,
                    (
                        f"{statement.owner.name} wrote a text of {len(text)} characters to {write.table}.{column},"
                        f" which is of {length} ({statement.location}), and this database lets it: it does not look at"
                        " lengths.",
                    ),
                    (
                        f'CheckConstraint("length({column}) <= {length}") in the table, which every database checks',
                        "or the application's own backend in its tests: hermetic runs it as well",
                    ),
                )
                return


def _text(shown: str) -> str:
    """Return a text that is shown as it is in Python; empty for other values, and for one that is cut off."""
    with suppress(SyntaxError, ValueError):
        value = ast.literal_eval(shown)
        return value if isinstance(value, str) else ""
    return ""


def _length(table: str, column: str) -> int:
    """Return how long a column of a table says that its texts are; 0 where none of the project's has a length."""
    columns = (each.columns.get(column) for each in project_tables() if table_name(each.name) == table)
    lengths = (attribute(attribute(each, "type"), "length") for each in columns if each is not None)
    return next((each for each in lengths if isinstance(each, int)), 0)
