"""A row in one database and a query to another: which engine each of the two has, and where it is made."""

from __future__ import annotations

import pytest

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.database import EngineResolved, Statement
from hermetic.explain import two_databases
from hermetic.explain.failure import Failure
from hermetic.explain.history import History
from hermetic.owners import Owner
from tests.explain.failing import TEST

REQUEST = Owner("request GET /users of tests/test_users.py::test_one", "request", "function", TEST)
OTHER = Owner("tests/test_users.py::test_two", "test", "function")
OWN = "sqlite:///test.db"
APP = "sqlite:///app.db"
HERE = Location("tests/test_users.py", 7, "test_one")


@pytest.fixture(autouse=True)
def begun(history: History) -> None:
    """Two engines are known, and the test has begun."""
    made = Location("tests/conftest.py", 8, "<module>")
    emit(EngineResolved(None, made, OWN, "the database 'other'", "contained", engine=1))
    emit(EngineResolved(None, None, APP, "the application's database", "contained", engine=2))
    emit(
        EngineResolved(
            None, None, "sqlite+aiosqlite:///app.db", "the application's database", "contained", engine=3
        )
    )
    history.begin(TEST)


def ran(owner: Owner, url: str, text: str, rows: int = 1, error: str = "") -> None:
    """Tell of a statement."""
    emit(Statement(owner, HERE, url, 1, text, "name='Ann'", rows, 0.001, error))


def said(history: History, message: str = "assert [] == ['Ann']", phase: str = "call") -> str:
    """Return what is said of the test."""
    failure = Failure(TEST, "call" if phase == "call" else "teardown", AssertionError(message))
    return "".join(map(str, two_databases.explain(failure, history)))


INSERT = "INSERT INTO users (name) VALUES (?)"
SELECT = "SELECT users.name FROM users"


def test_a_row_of_the_test(history: History) -> None:
    """The request reads where the application's engine leads to."""
    ran(TEST, OWN, INSERT)
    ran(REQUEST, APP, SELECT, -1)
    text = said(history)
    assert (
        f"{TEST.name} wrote to users (tests/test_users.py:7) in one database, and {REQUEST.name} looked for"
        in text
    )
    assert (
        f"The row went by the engine for {OWN}, made at tests/conftest.py:8; the query by that for {APP}."
        in text
    )
    assert "change: the application's own engine in the test, too: import it from where it is made\n" in text
    assert f"hermetic_targets = {APP} -> {OWN}" in text
    assert "[HM814]" in text
    assert said(history, phase="teardown") == ""


def test_a_row_of_a_request(history: History) -> None:
    """The test looks for it where its own engine leads to."""
    ran(REQUEST, APP, INSERT)
    ran(TEST, OWN, SELECT, 0)
    told = said(history, "assert None == 'Ann'")
    assert f"The row went by the engine for {APP}; the query by that for {OWN}, made at" in told


@pytest.mark.parametrize(
    "statements",
    [
        [(TEST, APP, INSERT), (REQUEST, "sqlite+aiosqlite:///app.db", SELECT, -1)],
        [(TEST, OWN, INSERT), (TEST, APP, SELECT, -1)],
        [(TEST, OWN, INSERT), (TEST, APP, INSERT), (REQUEST, APP, SELECT, -1)],
        [(TEST, OWN, INSERT), (REQUEST, APP, SELECT, 1)],
        [(TEST, OWN, INSERT), (REQUEST, APP, "SELECT mails.id FROM mails", -1)],
        [(TEST, OWN, "DELETE FROM users"), (REQUEST, APP, SELECT, -1)],
        [(TEST, OWN, INSERT, 1, "IntegrityError"), (REQUEST, APP, SELECT, -1)],
        [(TEST, "sqlite:///unknown.db", INSERT), (REQUEST, APP, SELECT, -1)],
        [(OTHER, OWN, INSERT), (REQUEST, APP, SELECT, -1)],
    ],
)
def test_other_statements(history: History, statements: list[tuple[object, ...]]) -> None:
    """One database, one side, another table, what failed, what was found, and what others did."""
    for each in statements:
        ran(*each)  # type: ignore[arg-type]
    assert said(history) == ""
