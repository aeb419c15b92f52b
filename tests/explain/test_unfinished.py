"""A test that looked for what a task had not done yet: which task, whose, and what to wait for."""

from __future__ import annotations

import linecache

import pytest

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.application import TaskFound
from hermetic.events.database import Statement, TransactionEnded
from hermetic.explain import unfinished
from hermetic.explain.failure import Failure
from hermetic.explain.history import History
from hermetic.owners import Owner

TEST = Owner("tests/test_mail.py::test_sent", "test", "function")
REQUEST = Owner("request POST /mails of tests/test_mail.py::test_sent", "request", "function", TEST)
PLACE = Location("app/main.py", 15, "send")
READ = Location("tests/test_mail.py", 9, "test_sent")
FUNCTION = Location("tests/test_mail.py", 1, "test_sent")
SELECT = "SELECT mails.subject FROM mails"


def ran(owner: Owner, connection: int, text: str, parameters: str = "", rows: int = 1) -> None:
    """Tell of a statement."""
    place = READ if owner is TEST else PLACE
    emit(Statement(owner, place, "sqlite://", connection, text, parameters, rows, 0.001))


def ended(connection: int) -> None:
    """Tell of a commit."""
    emit(TransactionEnded(REQUEST, PLACE, "sqlite://", connection, "commit"))


def said(history: History, message: str = "assert None == 'Hello'", *, is_async: bool = True) -> str:
    """Return what is said of the test."""
    failure = Failure(TEST, "call", AssertionError(message), FUNCTION, is_async)
    return "".join(map(str, unfinished.explain(failure, history)))


@pytest.fixture(autouse=True)
def begun(history: History) -> None:
    """The test has begun, and has no file."""
    history.begin(TEST)
    linecache.cache.pop(FUNCTION.file, None)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_task_that_commits_too_late(history: History, is_first: bool) -> None:
    """It may have written before, or not even that; whether it has ended since does not matter."""
    if is_first:
        ran(REQUEST, 1, "INSERT INTO mails (subject) VALUES (?)", "subject='Hello'")
    ran(TEST, 2, SELECT, rows=-1)
    ended(2)
    emit(TaskFound(REQUEST, "send", "app/main.py:14"))
    if not is_first:
        ran(REQUEST, 1, "INSERT INTO mails (subject) VALUES (?)", "subject='Hello'")
        ended(1)
    text = said(history)
    assert (
        "The task send, which request POST /mails of tests/test_mail.py::test_sent started, was still running"
        in text
    )
    assert "looked for what it writes to mails (tests/test_mail.py:9)" in text
    assert "app/main.py:14" in text
    assert "change: wait for it in the test: await async_client.drain()" in text
    assert "[HM805]" in text
    assert "time.sleep" not in text


@pytest.mark.parametrize("is_async", [True, False])
def test_a_test_that_stops_its_loop(history: History, is_async: bool) -> None:
    """Nothing runs while an async test sleeps; that of a synchronous one is in another thread."""
    lines = ["async def test_sent():\n", "    time.sleep(1)\n"]
    linecache.cache[FUNCTION.file] = (10, None, lines, FUNCTION.file)
    ran(TEST, 2, SELECT, rows=0)
    emit(TaskFound(REQUEST, "send", ""))
    ran(REQUEST, 1, "INSERT INTO mails (subject) VALUES (?)", "subject='Hello'")
    text = said(history, is_async=is_async)
    assert "(app/main.py:15)" in text
    assert ("tests/test_mail.py:2 stops the event loop" in text) is is_async
    assert ("change: tests/test_mail.py:2: await asyncio.sleep(...)" in text) is is_async


def test_a_task_that_has_committed_before(history: History) -> None:
    """The test has seen all that it wrote."""
    ran(REQUEST, 1, "INSERT INTO mails (subject) VALUES (?)", "subject='Hello'")
    ended(1)
    ran(TEST, 2, SELECT, rows=-1)
    emit(TaskFound(REQUEST, "send", ""))
    assert said(history) == ""


@pytest.mark.parametrize(
    ("text", "parameters", "message"),
    [
        ("INSERT INTO mails (subject) VALUES (?)", "subject='Bye'", "assert 3 == 4"),
        ("INSERT INTO letters (subject) VALUES (?)", "subject='Hello'", "assert None == 'Hello'"),
        ("DELETE FROM mails", "", "assert None == 'Hello'"),
    ],
)
def test_what_a_task_writes_that_nobody_looked_for(
    history: History, text: str, parameters: str, message: str
) -> None:
    """Another table, another value, or rows that it takes away."""
    ran(TEST, 2, SELECT, rows=-1)
    emit(TaskFound(REQUEST, "send", ""))
    ran(REQUEST, 1, text, parameters)
    assert said(history, message) == ""


def test_a_task_of_somebody_else(history: History) -> None:
    """What a wider fixture has started, and a test without tasks."""
    ran(TEST, 2, SELECT, rows=-1)
    ran(REQUEST, 1, "INSERT INTO mails (subject) VALUES (?)", "subject='Hello'")
    assert said(history) == ""
    emit(TaskFound(Owner("fixture 'broker' (session scope)", "fixture", "session"), "work", ""))
    assert said(history) == ""
