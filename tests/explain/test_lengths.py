"""A text that a database stored though it is longer than its column says: which column, which statement."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, Text

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.database import Statement
from hermetic.explain import lengths
from hermetic.explain.failure import Failure
from hermetic.explain.history import History
from hermetic.owners import Owner
from tests.explain.failing import TEST

labels = Table(
    "labels",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("short", String(5)),
    Column("long", Text),
)
OTHER = Owner("tests/test_users.py::test_two", "test", "function")
INSERT = "INSERT INTO labels (short, long) VALUES (?, ?)"
NOT_RAISED = "DID NOT RAISE DBAPIError"


def said(
    history: History, parameters: str, message: str = NOT_RAISED, error: str = "", owner: Owner = TEST
) -> str:
    """Return what is said of a test that has executed a statement with these parameters."""
    history.begin(TEST)
    place = Location("tests/test_labels.py", 9, "test_one")
    emit(Statement(owner, place, "sqlite://", 1, INSERT, parameters, 1, 0.001, error))
    return "".join(map(str, lengths.explain(Failure(TEST, "call", RuntimeError(message)), history)))


def test_a_text_that_is_too_long(history: History) -> None:
    """Its length, that of the column, the statement, and what every database checks."""
    text = said(history, "long='abcdefgh', short='abcdef'")
    assert "wrote a text of 6 characters to labels.short, which is of 5 (tests/test_labels.py:9)" in text
    assert 'change: CheckConstraint("length(short) <= 5") in the table' in text
    assert "[HM815]" in text


def test_a_text_that_is_shown_in_other_quotes(history: History) -> None:
    """Its own characters count, and not how they are shown."""
    assert "a text of 6 characters to labels.short" in said(history, 'short="it\'s a"')
    assert said(history, r"short='a\\b\\c'") == ""


@pytest.mark.parametrize(
    ("parameters", "message", "error", "owner"),
    [
        ("short='abcde', long='abcdefgh'", NOT_RAISED, "", TEST),
        ("other='abcdefgh', short=str", NOT_RAISED, "", TEST),
        ("short='abcdefgh...", NOT_RAISED, "", TEST),
        ("short=1234567", NOT_RAISED, "", TEST),
        ("short='abcdef'", "DID NOT RAISE ValueError", "", TEST),
        ("short='abcdef'", NOT_RAISED, "DataError", TEST),
        ("short='abcdef'", NOT_RAISED, "", OTHER),
    ],
)
def test_others(history: History, parameters: str, message: str, error: str, owner: Owner) -> None:
    """Texts that fit, an unknown column, what is no whole text, another error, what was refused, and another test's."""
    assert said(history, parameters, message, error, owner) == ""
