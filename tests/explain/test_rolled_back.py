"""What a request wrote and nobody committed is named where somebody looked for it."""

from __future__ import annotations

import pytest

from hermetic.code import UNKNOWN, Location
from hermetic.events import emit
from hermetic.events.application import RequestEnded
from hermetic.events.database import Statement, TransactionEnded
from hermetic.explain.history import History
from hermetic.owners import Owner
from tests.explain.failing import TEST, said

REQUEST = Owner("request GET /ping", "request", "function", TEST)
OTHER = Owner("request GET /hits", "request", "function", TEST)
AT = Location("app/audit.py", 9, "")
WRONG = AssertionError("assert ['/hits'] == ['/ping', '/hits']")


def statement(owner: Owner, text: str, parameters: str = "", rows: int = 1) -> None:
    """Tell of a statement."""
    emit(Statement(owner, AT, "sqlite:///a", 1, text, parameters, rows, 0.0))


def wrote(how: str, at: Location = UNKNOWN, status: int = 200) -> None:
    """Tell of a request that wrote, and how its transaction ended; then of one that reads."""
    statement(REQUEST, "INSERT INTO hits (path) VALUES (?)", "path='/ping'")
    emit(TransactionEnded(REQUEST, at, "sqlite:///a", 1, how))
    emit(RequestEnded(REQUEST, "GET", "/ping", status, 0.0, ""))
    statement(OTHER, "SELECT path FROM hits", rows=0)


def test_a_flush_alone(history: History) -> None:
    """Both requests, the line, and what to write."""
    wrote("rollback")
    text = said(WRONG, history)
    assert f"request GET /ping wrote to hits ({AT}), and its transaction ended without a commit" in text
    assert f"when request GET /hits looked for it ({AT}). [HM733]" in text
    assert f"change: await session.commit() after {AT}" in text


@pytest.mark.parametrize(
    ("how", "at", "status", "error"),
    [
        ("commit", UNKNOWN, 200, WRONG),
        ("rollback", AT, 200, WRONG),
        ("rollback", UNKNOWN, 409, WRONG),
        ("rollback", UNKNOWN, 200, AssertionError("assert 3 == 9")),
        ("rollback", UNKNOWN, 200, ValueError("'/ping'")),
    ],
    ids=["committed", "rolled back by a line", "refused", "about something else", "not the test's"],
)
def test_what_is_nothing_to_the_failure(
    history: History, how: str, at: Location, status: int, error: Exception
) -> None:
    """Nothing is said."""
    wrote(how, at, status)
    assert "its transaction ended without a commit" not in said(error, history)
