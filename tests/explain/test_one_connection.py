"""One connection, or one session, for all: who rolled back what another had written is said where it is missed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.database import EngineResolved, Statement, TransactionEnded
from hermetic.explain import one_connection
from hermetic.explain.failure import Failure
from hermetic.explain.history import History
from hermetic.owners import Owner
from tests.explain.failing import TEST, said

REQUEST = Owner("request GET /authors/99", "request", "function", TEST)
URL = "sqlite+aiosqlite://"
app = FastAPI()


async def database() -> None:
    """What is overridden."""


@app.get("/")
async def read(session: None = Depends(database)) -> None:
    """Use it."""


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
    text = said(AssertionError("assert [] == ['Gogol']"), history)
    assert f"The INSERT of authors at {WRITTEN}, by {TEST.name}, was rolled back" in text
    assert "by request GET /authors/99. [HM768]" in text
    assert f"(made at {MADE}) has one connection for all sessions" in text
    assert said(ValueError(), history) == ""
    assert not list(
        one_connection.explain(Failure(TEST, "teardown", AssertionError("assert [] == ['Gogol']")), history)
    )


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
    assert said(AssertionError("assert [] == ['Gogol']"), history) == ""


def hand_out(given: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Override what the endpoint depends on by one object for all requests."""
    monkeypatch.setitem(app.dependency_overrides, database, lambda: given)


def write_and_lose(found: int, by: Owner = REQUEST) -> None:
    """Tell of a write of the test, of a rollback, and of a statement that looks for the row then."""
    executes(TEST, "INSERT INTO authors (name) VALUES (?)", url="postgresql://a")
    ends(by, "rollback")
    emit(Statement(REQUEST, WRITTEN, "postgresql://a", 2, "SELECT * FROM authors", "", found, 0.0))


def test_a_request_that_rolls_back_by_the_session_that_all_have(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which rows, whose rollback and where, which override, and that a commit would have kept them."""
    hand_out(AsyncSession(), monkeypatch)
    write_and_lose(0)
    text = said(AssertionError("assert [] == ['Gogol']"), history)
    assert f"The INSERT of authors at {WRITTEN}, by {TEST.name}, was rolled back" in text
    assert f"by the request GET /authors/99, at {WRITTEN}. [HM735]" in text
    assert "hands one AsyncSession to all requests" in text
    assert f"change: await session.commit() after {WRITTEN}" in text


def test_a_session_on_a_connection_of_a_fixture(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit of such a one commits nothing: it needs savepoints."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection, Session(connection) as session:
        hand_out(session, monkeypatch)
        write_and_lose(0)
        assert 'change: join_transaction_mode="create_savepoint"' in said(
            AssertionError("assert [] == ['Gogol']"), history
        )
    engine.dispose()


def test_what_is_not_missed(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that was found, a rollback of the test's own, and a failure of the application's."""
    hand_out(AsyncSession(), monkeypatch)
    write_and_lose(1)
    assert said(AssertionError("assert [] == ['Gogol']"), history) == ""
    history.begin(TEST)
    write_and_lose(0, TEST)
    assert said(AssertionError("assert [] == ['Gogol']"), history) == ""
    write_and_lose(0)
    assert "HM735" in said(AssertionError("assert [] == ['Gogol']"), history)
    assert said(ValueError(), history) == ""
