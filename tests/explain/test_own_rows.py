"""A request that looks for its own row by another session: which line wrote it, and which did not find it."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.database import Statement, TransactionEnded
from hermetic.explain import own_rows
from hermetic.explain.failure import Failure
from hermetic.explain.history import History
from hermetic.owners import Owner
from tests.explain.failing import TEST

REQUEST = Owner("request POST /users of tests/test_users.py::test_one", "request", "function", TEST)
WRITES = Location("app/main.py", 12, "create")
READS = Location("app/mail.py", 5, "greet")


def ran(text: str, connection: int, owner: Owner = REQUEST, rows: int = -1) -> None:
    """Tell of a statement."""
    place = READS if text.startswith("SELECT") else WRITES
    emit(Statement(owner, place, "sqlite://", connection, text, "", rows, 0.001))


def said(history: History, *, is_in_application: bool = True) -> str:
    """Return what is said of a test whose application failed."""
    app = FastAPI()

    @app.get("/")
    def fail() -> None:
        raise AttributeError("'NoneType' object has no attribute 'name'")

    with pytest.raises(AttributeError) as caught:
        TestClient(app).get("/") if is_in_application else fail()
    return "".join(map(str, own_rows.explain(Failure(TEST, "call", caught.value), history)))


@pytest.fixture(autouse=True)
def begun(history: History) -> None:
    """The test has begun."""
    history.begin(TEST)


def test_a_background_task_that_comes_before_the_commit(history: History) -> None:
    """Both lines, and where the commit belongs."""
    ran("INSERT INTO users (name) VALUES (?)", 1, rows=1)
    ran("SELECT users.name FROM users WHERE users.id = ?", 2)
    text = said(history)
    assert "the request POST /users had looked for a row (app/mail.py:5)" in text
    assert "that it had written itself (app/main.py:12), by another session" in text
    assert "change: await session.commit() after app/main.py:12" in text
    assert "[HM813]" in text
    assert said(history, is_in_application=False) == ""


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [("INSERT INTO users (name) VALUES (?)", 1, REQUEST, 1)],
        [
            ("INSERT INTO users (name) VALUES (?)", 1, REQUEST, 1),
            ("SELECT users.name FROM users", 1, REQUEST, -1),
        ],
        [
            ("INSERT INTO users (name) VALUES (?)", 1, REQUEST, 1),
            ("SELECT users.name FROM users", 2, REQUEST, 1),
        ],
        [
            ("INSERT INTO users (name) VALUES (?)", 1, REQUEST, 1),
            ("SELECT mails.id FROM mails", 2, REQUEST, 0),
        ],
        [
            ("INSERT INTO users (name) VALUES (?)", 1, REQUEST, 1),
            ("SELECT users.name FROM users", 2, TEST, 0),
        ],
        [
            ("INSERT INTO users (name) VALUES (?)", 1, TEST, 1),
            ("SELECT users.name FROM users", 2, REQUEST, 0),
        ],
        [("DELETE FROM users", 1, REQUEST, 1), ("SELECT users.name FROM users", 2, REQUEST, 0)],
    ],
)
def test_other_statements(history: History, statements: list[tuple[str, int, Owner, int]]) -> None:
    """The same session, another table, somebody else's row, or one that was found."""
    for each in statements:
        ran(*each)
    assert said(history) == ""


def test_a_row_that_was_committed(history: History) -> None:
    """Everybody sees it."""
    ran("INSERT INTO users (name) VALUES (?)", 1, rows=1)
    emit(TransactionEnded(REQUEST, WRITES, "sqlite://", 1, "commit"))
    ran("SELECT users.name FROM users", 2, rows=0)
    assert said(history) == ""
