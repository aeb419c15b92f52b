"""A clean-up that empties tables in the wrong order: the database refuses to delete what other rows refer to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hermetic.causes.data import EMPTIED_IN_THE_WRONG_ORDER
from hermetic.explain.definitions import project_tables
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import place_of
from hermetic.explain.history import History
from hermetic.explain.tables import fixture_through
from hermetic.statements import table_name

_REFERRED = re.compile(
    r'update or delete on table "[^"]+" violates .*foreign key constraint "[^"]+" on table "([^"]+)"'
    r'|Table "([^"]+)" references "[^"]+"'
    r"|on table (\S+) depends on table"
    r"|Cannot delete or update a parent row: a foreign key constraint fails \(`[^`]+`\.`([^`]+)`"
)
"""What says which table's rows refer to others."""

_WITHOUT_NAMES = "FOREIGN KEY constraint failed"
_EMPTIES = re.compile(
    r"\s*(?:DELETE\s+FROM|DROP\s+TABLE(?:\s+IF\s+EXISTS)?|TRUNCATE(?:\s+TABLE)?)\s+([\w.\"`]+)", re.I
)


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the fixture, the table that it empties, and the one that still refers to it."""
    del history
    for error in failure.chain():
        statement = getattr(error, "statement", None)
        emptied = _EMPTIES.match(statement) if isinstance(statement, str) else None
        fixture = None if emptied is None else fixture_through(failure, error)
        if emptied is None or fixture is None:
            continue
        table = table_name(emptied[1])
        other = _referring(str(error), table)
        does = "drops" if "DROP" in emptied[0].upper() else "empties"
        if other:
            yield Explanation(
                EMPTIED_IN_THE_WRONG_ORDER,
                (
                    f"{place_of(error, str(fixture))}, in the {fixture}, {does} the table {table} while rows of {other}"
                    " refer to it.",
                ),
                (
                    f"{other} before {table}: for table in reversed(Base.metadata.sorted_tables)",
                    f"or delete that part of the fixture {fixture.name!r}: hermetic puts the rows back after each test",
                ),
            )
            return


def _referring(message: str, table: str) -> str:
    """Return the table whose rows are in the way; empty where nobody can tell."""
    found = _REFERRED.search(message)
    if found is not None:
        return next(str(each) for each in found.groups() if each)
    if _WITHOUT_NAMES in message:
        referring = (
            str(each.name) for each in project_tables() if each.name != table and _refers(each, table)
        )
        return " or ".join(dict.fromkeys(referring))
    return ""


def _refers(table: Any, other: str) -> bool:
    return any(each.target_fullname.split(".")[-2].lower() == other for each in table.foreign_keys)
