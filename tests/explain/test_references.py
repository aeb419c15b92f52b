"""A foreign key that was not checked is named where the test expected a refusal, or what comes with a deletion."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.application import RequestEnded
from hermetic.events.database import ReferenceBroken, Statement
from hermetic.explain.failure import Failure
from hermetic.explain.history import History
from hermetic.explain.references import explain
from hermetic.owners import Owner
from tests.explain.failing import TEST

REQUEST = Owner("request POST /books", "request", "function", TEST)
AT = Location("app/api.py", 9, "")
INSERT = "INSERT INTO books (author_id) VALUES (?)"
DELETE = "DELETE FROM authors WHERE id = ?"
REFUSED = AssertionError("assert 201 == 409")


def statement(text: str, owner: Owner = REQUEST, error: str = "") -> None:
    """Tell of a statement."""
    emit(Statement(owner, AT, "sqlite:///a", 1, text, "", 1, 0.0, error))


def said(history: History, error: BaseException, on_delete: str = "NO ACTION") -> str:
    """Return what is said of a test that failed, where a book has no author."""
    emit(RequestEnded(REQUEST, "POST", "/books", 201, 0.0, ""))
    emit(
        ReferenceBroken(
            "books", "books.author_id", "authors", on_delete, "SQLite", ("PRAGMA foreign_keys=ON",)
        )
    )
    return "\n".join(map(str, explain(Failure(TEST, "call", error), history)))


def test_a_row_of_nobody(history: History) -> None:
    """Who wrote it where, the foreign key, and what has it checked."""
    statement("SELECT 1")
    statement(INSERT)
    text = said(history, REFUSED)
    assert f"{REQUEST.name} wrote a row that refers to nothing ({AT}), and SQLite let it" in text
    assert "[HM731]\nThe foreign key is books.author_id, of authors.\nchange: PRAGMA foreign_keys=ON" in text


def test_a_deletion(history: History) -> None:
    """Where the test expects an error of the database."""
    statement(DELETE)
    with pytest.raises(BaseException) as raised, pytest.raises(IntegrityError):
        pass
    assert "deleted what books.author_id refers to" in said(history, raised.value)


def test_what_comes_with_a_deletion(history: History) -> None:
    """It was not done, and somebody looked."""
    statement(DELETE)
    statement("SELECT title FROM books", TEST)
    assert "its ON DELETE CASCADE was not done" in said(
        history, AssertionError("assert ['Emma'] == []"), "CASCADE"
    )


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (INSERT, "IntegrityError", "assert 201 == 409"),
        (INSERT, "", "assert 201 == 200"),
        (INSERT, "", "assert ['Emma'] == []"),
        (INSERT.replace("books", "readers"), "", "assert 201 == 409"),
    ],
    ids=["it was refused", "no refusal is expected", "nothing of answers", "another table"],
)
def test_what_is_nothing_to_the_failure(history: History, text: str, error: str, message: str) -> None:
    """Nothing is said."""
    statement(text, error=error)
    assert said(history, AssertionError(message)) == ""


def test_another_phase(history: History) -> None:
    """Nothing is said of a teardown."""
    assert not list(explain(Failure(TEST, "teardown", REFUSED), history))
