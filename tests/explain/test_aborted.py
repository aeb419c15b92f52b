"""A transaction that goes on after an error: which statement had failed in it, and where."""

from __future__ import annotations

import pytest

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.database import Statement
from hermetic.explain import aborted
from hermetic.explain.failure import Failure
from hermetic.explain.history import History
from tests.explain.failing import TEST

FIRST = Location("tests/test_users.py", 7, "test_one")
THEN = Location("tests/test_users.py", 9, "test_one")
ABORTED = "current transaction is aborted, commands ignored until end of transaction block"


def failed(place: Location, error: str, message: str, connection: int = 1) -> None:
    """Tell of a statement that failed."""
    emit(Statement(TEST, place, "postgresql://", connection, "INSERT", "", -1, 0.001, error, message))


def said(history: History, message: str = ABORTED) -> str:
    """Return what is said of the test."""
    return "".join(map(str, aborted.explain(Failure(TEST, "call", RuntimeError(message)), history)))


@pytest.fixture(autouse=True)
def begun(history: History) -> None:
    """The test has begun."""
    history.begin(TEST)


def test_the_statement_that_had_failed(history: History) -> None:
    """The last one on that connection which failed by itself."""
    failed(FIRST, "IntegrityError", "duplicate key")
    failed(Location("tests/other.py", 1, "other"), "IntegrityError", "duplicate key", connection=2)
    failed(THEN, "DBAPIError", ABORTED)
    text = said(history)
    assert "tests/test_users.py:9 goes on in a transaction in which a statement has failed" in text
    assert "(tests/test_users.py:7: IntegrityError)" in text
    assert "change: async with session.begin_nested(): ... around tests/test_users.py:7" in text
    assert "[HM812]" in text


def test_what_is_not_known(history: History) -> None:
    """Another error; one that came by no statement of SQLAlchemy's; a first failure that nobody has seen."""
    assert said(history, "duplicate key") == ""
    assert said(history) == ""
    failed(THEN, "DBAPIError", ABORTED)
    assert said(history) == ""
