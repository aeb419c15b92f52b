"""Of an id that a sequence gives once more it is said who has inserted it without the sequence."""

from __future__ import annotations

import pytest

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.database import Statement
from hermetic.explain.failure import Failure
from hermetic.explain.history import History
from hermetic.explain.sequences import explain
from hermetic.owners import Owner
from tests.explain.failing import TEST, said

REQUEST = Owner("request POST /authors", "request", "function", TEST)
FIRST, SECOND = Location("tests/test_authors.py", 7, ""), Location("app/api.py", 9, "")
TAKEN = 'duplicate key value violates unique constraint "authors_pkey"'
OWN = "INSERT INTO authors (id, name) VALUES ($1, $2)"
COUNTED = "INSERT INTO authors (name) VALUES ($1) RETURNING authors.id"


def inserts(owner: Owner, at: Location, text: str, message: str = "") -> None:
    """Tell of a statement."""
    error = "UniqueViolation" if message else ""
    emit(Statement(owner, at, "postgresql://h/a", 1, text, "", 1, 0.0, error, message))


def test_an_id_of_its_own(history: History) -> None:
    """Both lines, and the column."""
    emit(Statement(REQUEST, SECOND, "postgresql://h/a", 1, "SELECT 1", "", 1, 0.0))
    inserts(TEST, FIRST, OWN)
    inserts(REQUEST, SECOND, COUNTED, TAKEN)
    text = said(AssertionError("assert 409 == 201"), history)
    assert f"The INSERT of authors at {FIRST}, by {TEST.name}, gave id itself" in text
    assert f"it gave the same one at {SECOND}. [HM786]" in text


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (COUNTED, COUNTED, TAKEN),
        (OWN, OWN, TAKEN),
        (OWN, COUNTED, TAKEN.replace("_pkey", "_name_key")),
        (OWN.replace("authors", "books"), COUNTED, TAKEN),
    ],
)
def test_another_conflict(history: History, first: str, second: str, message: str) -> None:
    """Nothing is said where both leave the id to the sequence, or none, or it is another constraint or table."""
    inserts(TEST, FIRST, first)
    inserts(REQUEST, SECOND, second, message)
    assert "HM786" not in said(AssertionError("assert 409 == 201"), history)
    assert not list(explain(Failure(TEST, "teardown", AssertionError()), history))
