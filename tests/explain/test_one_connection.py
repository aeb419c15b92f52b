"""One connection for all sessions: who rolled back what another one had written is said where the test misses it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.database import EngineResolved, Statement, TransactionEnded
from hermetic.explain.history import History
from hermetic.owners import Owner
from tests.explain.failing import TEST, said

REQUEST = Owner("request GET /authors/99", "request", "function", TEST)
URL = "sqlite+aiosqlite://"
MADE, WRITTEN = Location("tests/conftest.py", 12, "sessions"), Location("tests/test_a.py", 9, "test_a")


@pytest.fixture
def history() -> Iterator[History]:
    """Listens; there is an engine in memory."""
    history = History()
    history.start()
    history.begin(TEST)
    emit(EngineResolved(TEST, MADE, URL, "left alone", "left alone", "its own", True))
    yield history
    history.stop()


def executes(owner: Owner, text: str, connection: int = 1, url: str = URL) -> None:
    """Tell of a statement."""
    emit(Statement(owner, WRITTEN, url, connection, text, "", 1, 0.0))


def ends(owner: Owner, how: str, connection: int = 1) -> None:
    """Tell of the end of a transaction."""
    emit(TransactionEnded(owner, WRITTEN, URL, connection, how))


def test_a_request_that_rolls_back_what_the_test_wrote(history: History) -> None:
    """Which rows, whose rollback, and the engine."""
    executes(TEST, "INSERT INTO authors (name) VALUES (?)")
    executes(REQUEST, "SELECT authors.name FROM authors")
    ends(REQUEST, "rollback")
    ends(TEST, "commit")
    executes(TEST, "SELECT authors.name FROM authors")
    text = said(AssertionError(), history)
    assert f"The INSERT of authors at {WRITTEN}, by {TEST.name}, was rolled back" in text
    assert "by request GET /authors/99. [HM768]" in text
    assert f"(made at {MADE}) has one connection for all sessions" in text
    assert said(ValueError(), history) == ""


def test_what_is_no_such_thing(history: History) -> None:
    """A commit before, another connection, a test's own rollback, an engine that has several, nothing read after."""
    executes(TEST, "INSERT INTO authors (name) VALUES (?)")
    ends(TEST, "commit")
    ends(REQUEST, "rollback")
    executes(TEST, "INSERT INTO authors (name) VALUES (?)")
    ends(REQUEST, "rollback", 2)
    ends(TEST, "rollback")
    executes(TEST, "INSERT INTO books (name) VALUES (?)", 3, "sqlite+aiosqlite:///a.db")
    ends(REQUEST, "rollback", 3)
    executes(TEST, "SELECT authors.name FROM authors, books", 3)
    executes(TEST, "INSERT INTO authors (name) VALUES (?)")
    ends(REQUEST, "rollback")
    assert said(AssertionError(), history) == ""
