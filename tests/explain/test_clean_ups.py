"""A fixture that empties tables in the wrong order is named, with the table whose rows are in the way."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table
from sqlalchemy.exc import IntegrityError

from hermetic.code import location_of
from hermetic.explain.explanations import explanations
from hermetic.explain.failure import Failure, UsedFixture
from hermetic.explain.history import History
from tests.explain.failing import TEST

METADATA = MetaData()
WRITERS = Table("writers", METADATA, Column("id", Integer, primary_key=True))
NOVELS = Table("novels", METADATA, Column("writer_id", ForeignKey("writers.id")))


def clean(statement: str, message: str) -> None:
    """Fail as a clean-up does."""
    raise IntegrityError(statement, None, Exception(message))


def said(statement: str, message: str, *fixtures: UsedFixture) -> str:
    """Return what is said of a teardown that failed."""
    try:
        clean(statement, message)
    except IntegrityError as error:
        return "".join(explanations(Failure(TEST, "teardown", error, fixtures=fixtures), History()))
    raise AssertionError


@pytest.mark.parametrize(
    ("statement", "message", "what"),
    [
        (
            "DELETE FROM writers",
            'update or delete on table "writers" violates foreign key constraint "x" on table "novels"',
            "empties",
        ),
        (
            'TRUNCATE "writers"',
            'cannot truncate a table\nDETAIL:  Table "novels" references "writers".',
            "empties",
        ),
        ("DROP TABLE writers", "constraint x on table novels depends on table writers", "drops"),
        ("DELETE FROM writers", "FOREIGN KEY constraint failed", "empties"),
    ],
)
def test_a_table_that_others_refer_to(statement: str, message: str, what: str) -> None:
    """The fixture's line, both tables, and their order; of an application's own DELETE nothing is said."""
    fixture = UsedFixture("clean", "function", location_of(clean), False)
    text = said(statement, message, fixture)
    assert f"in the {fixture}, {what} the table writers while rows of novels refer to it. [HM738]" in text
    assert "change: novels before writers" in text
    assert said(statement, message) == ""
