"""A request that looked for what the test had not committed: who had written it where, and what to do."""

from __future__ import annotations

import pytest

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.application import RequestEnded
from hermetic.events.database import Statement, TransactionEnded
from hermetic.explain.explanations import explanations
from hermetic.explain.failure import Failure
from hermetic.explain.history import History
from hermetic.owners import Owner

TEST = Owner("tests/test_users.py::test_show", "test", "function")
FIXTURE = Owner("fixture 'user' (function scope)", "fixture", "function", TEST)
REQUEST = Owner("request GET /users/1 of tests/test_users.py::test_show", "request", "function", TEST)
PLACE = Location("app/main.py", 7, "show")
HERE = Location(__file__, 1, "test_show")
SELECT = "SELECT users.id FROM users WHERE users.id = ?"


def ran(
    owner: Owner, connection: int, text: str, parameters: str = "", rows: int = 1, url: str = "sqlite://"
) -> None:
    """Tell of a statement."""
    emit(Statement(owner, PLACE, url, connection, text, parameters, rows, 0.001))


def wrote(owner: Owner = TEST) -> None:
    """Tell of a row that somebody inserts by the connection 1."""
    ran(owner, 1, "INSERT INTO users (name) VALUES (?)", "name='Ann'", url="sqlite+aiosqlite://")


def said(history: History, message: str = "assert 404 == 200") -> str:
    """Return what is said of the test."""
    return "".join(explanations(Failure(TEST, "call", AssertionError(message), HERE), history))


@pytest.fixture(autouse=True)
def begun(history: History) -> None:
    """The test has begun."""
    history.begin(TEST)


@pytest.mark.parametrize("owner", [TEST, FIXTURE])
def test_a_row_that_was_flushed(history: History, owner: Owner) -> None:
    """By the test or by a fixture; which line wrote it, and which looked for it."""
    wrote(owner)
    ran(REQUEST, 2, SELECT, "id=1", rows=-1)
    assert said(history) == ""
    emit(RequestEnded(REQUEST, "GET", "/users/1", 404, 0.001, ""))
    text = said(history)
    assert (
        f"{owner.name} has written to users (app/main.py:7), and not committed it when the request GET /users/1"
        in text
    )
    assert "change: await session.commit() before the request, after app/main.py:7" in text
    assert "[HM734]" in text


def test_what_was_counted(history: History) -> None:
    """By the number that lacks."""
    wrote()
    ran(REQUEST, 2, "SELECT count(*) FROM users")
    assert "[HM734]" in said(history, "assert 0 == 1")
    assert said(history, "assert 0 == 5") == ""


@pytest.mark.parametrize(
    ("connection", "text", "rows", "url"),
    [
        (1, SELECT, 0, "sqlite://"),
        (2, SELECT, 1, "sqlite://"),
        (2, SELECT, 0, "sqlite:///other.db"),
        (2, "SELECT 1", 0, "sqlite://"),
    ],
    ids=["by the same session", "found", "another database", "another table"],
)
def test_where_that_is_not_why(history: History, connection: int, text: str, rows: int, url: str) -> None:
    """Nothing is said."""
    wrote()
    ran(REQUEST, connection, text, "id=1", rows=rows, url=url)
    assert said(history) == ""


def test_a_row_that_was_committed(history: History) -> None:
    """Nor of what the request could see."""
    wrote()
    emit(TransactionEnded(TEST, PLACE, "sqlite://", 1, "commit"))
    ran(REQUEST, 2, SELECT, "id=1", rows=0)
    assert said(history) == ""
