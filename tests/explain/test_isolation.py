"""Where a test needed what another one had left, it is said what that was, whose, and how to see that this is why."""

from __future__ import annotations

import pytest

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.application import RequestEnded
from hermetic.events.database import EngineResolved, Restored, Statement, TransactionEnded
from hermetic.explain.explanations import explanations
from hermetic.explain.failure import Failure, Phase
from hermetic.explain.history import History
from hermetic.owners import Owner

FIRST = Owner("tests/test_users.py::test_create", "test", "function")
SECOND = Owner("tests/test_users.py::test_read", "test", "function")
PLACE = Location("app/main.py", 7, "endpoint")
HERE = Location(__file__, 1, "test_read")
SELECT = "SELECT users.id, users.name FROM users WHERE users.id = ?"
INSERT = 'INSERT INTO "users" (name) VALUES (?)'


def request(test: Owner) -> Owner:
    """Return a request that a test sent."""
    return Owner("request GET /users", "request", "function", test)


def ran(owner: Owner, text: str, parameters: str = "", rows: int = 1, error: str = "") -> None:
    """Tell of a statement."""
    emit(Statement(owner, PLACE, "sqlite://", 1, text, parameters, rows, 0.001, error))


def wrote(owner: Owner, text: str = INSERT, parameters: str = "name='Ann'", *, how: str = "commit") -> None:
    """Tell of a statement, and of the end of its transaction."""
    ran(owner, text, parameters)
    emit(TransactionEnded(owner, PLACE, "sqlite://", 1, how))


def restored() -> None:
    """Tell that the database went back."""
    emit(Restored("main", True, 0.001))


def said(history: History, error: BaseException, phase: Phase = "call") -> str:
    """Return what is said of the second test."""
    return "".join(explanations(Failure(SECOND, phase, error, HERE), history))


@pytest.fixture(autouse=True)
def engine(history: History) -> None:
    """The application has an engine."""
    emit(EngineResolved(None, None, "sqlite://", "a database", "contained"))


@pytest.fixture
def second(history: History) -> History:
    """One test has made a user; another one of its module runs."""
    history.begin(FIRST)
    wrote(request(FIRST))
    restored()
    history.begin(SECOND)
    return history


def test_a_row_that_is_not_there(second: History) -> None:
    """Who read what where, whose rows those were, and what to do."""
    ran(request(SECOND), SELECT, "id=1", rows=0)
    text = said(second, AssertionError("assert 404 == 200"))
    assert f"{SECOND.name} read users and found nothing (app/main.py:7): what earlier tests" in text
    assert "  users: 1 row inserted by tests/test_users.py::test_create" in text
    assert 'pytestmark = pytest.mark.hermetic(isolation="module")' in text
    assert "[HM730]" in text


@pytest.mark.parametrize(
    "error", [KeyError("id"), IndexError("list index out of range"), AssertionError("assert [] == ['Ann']")]
)
def test_other_ways_to_fail(second: History, error: Exception) -> None:
    """A test fails by an error of its own lines, too, as well as by a comparison."""
    ran(SECOND, "select * from users", rows=0)
    try:
        raise error
    except Exception as raised:
        assert "read users and found nothing" in said(second, raised)


def test_it_counts(second: History) -> None:
    """What it counted and what it expected differ by the rows that are gone, be some of the test's own there."""
    wrote(request(SECOND))
    ran(SECOND, "SELECT count(*) FROM users")
    assert "users: 1 row inserted by tests/test_users.py::test_create" in said(
        second, AssertionError("assert 1 == 2\n +  where 1 = len([1])")
    )
    assert said(second, AssertionError("assert 1 == 4")) == ""


def test_a_sync_driver(second: History) -> None:
    """It does not say how many rows it found; a 404 does."""
    owner = request(SECOND)
    ran(owner, SELECT, "id=1", rows=-1)
    assert said(second, AssertionError("assert 404 == 200")) == ""
    emit(RequestEnded(owner, "GET", "/users/1", 404, 0.001, ""))
    assert "found nothing" in said(second, AssertionError("assert 404 == 200"))


def test_what_was_changed(history: History) -> None:
    """A row of the baseline that another test had changed: the value that is expected is the one which is gone."""
    history.begin(FIRST)
    wrote(request(FIRST), "UPDATE users SET name=? WHERE users.id = ?", "name='Bob', id=1")
    restored()
    history.begin(SECOND)
    ran(request(SECOND), SELECT, "id=1")
    text = said(history, AssertionError("assert 'Ann' == 'Bob'"))
    assert "  users: 1 row updated by tests/test_users.py::test_create" in text
    assert said(history, AssertionError("assert 'Ann' == 'Cid'")) == ""


def test_what_was_deleted(history: History) -> None:
    """The row that the test found is the one that another test had deleted."""
    history.begin(FIRST)
    wrote(request(FIRST), "DELETE FROM users WHERE users.id = ?", "id=1")
    restored()
    history.begin(SECOND)
    ran(request(SECOND), SELECT, "id=1")
    assert "1 row deleted by" in said(history, AssertionError("assert 200 == 404"))


@pytest.mark.parametrize(
    ("text", "parameters", "rows"),
    [
        ("SELECT books.id FROM books", "", 0),
        (SELECT, "id=1", 1),
        (SELECT, "id=99", 0),
        ("SELECT id FROM users WHERE name = ?", "name='Zoe'", 0),
        ("SELECT count(*) FROM users", "", 1),
        ('PRAGMA main.table_info("users")', "", 0),
        ("SELECT relname FROM pg_catalog.pg_class WHERE relname = 'users'", "", 0),
    ],
    ids=[
        "another table",
        "it found something",
        "another row",
        "another name",
        "a number that does not fit",
        "whether SQLite has the table",
        "whether PostgreSQL has the table",
    ],
)
def test_a_plain_wrong_assertion(second: History, text: str, parameters: str, rows: int) -> None:
    """Nothing is said where the rows that are gone would have made no difference."""
    ran(request(SECOND), text, parameters, rows)
    assert said(second, AssertionError("assert 404 == 400")) == ""


@pytest.mark.parametrize(
    "text",
    [
        "DROP TABLE users",
        'DROP TABLE IF EXISTS books, "public"."users" CASCADE',
        "TRUNCATE TABLE ONLY books, users RESTART IDENTITY",
        "DELETE FROM books; DELETE FROM users;",
    ],
)
def test_what_the_suite_removes_itself(history: History, text: str) -> None:
    """Nothing is said of rows that an earlier test removed, nor of those that the test itself would have."""
    history.begin(FIRST)
    wrote(request(FIRST))
    wrote(FIRST, text)
    restored()
    history.begin(SECOND)
    ran(request(SECOND), SELECT, "id=1", rows=0)
    assert said(history, AssertionError("assert 404 == 200")) == ""
    wrote(request(SECOND))
    restored()
    history.begin(FIRST)
    ran(FIRST, text, rows=-1)
    ran(request(FIRST), SELECT, "id=1", rows=0)
    failure = Failure(FIRST, "call", AssertionError("assert 404 == 200"), HERE)
    assert "".join(explanations(failure, history)) == ""


@pytest.mark.parametrize(
    "text", ["DELETE FROM users WHERE users.id = ?", "DROP TABLE books", "UPDATE books SET a=1"]
)
def test_what_the_suite_removes_of_others(history: History, text: str) -> None:
    """It is said where what an earlier test removed leaves some rows to be missed."""
    history.begin(FIRST)
    wrote(request(FIRST))
    wrote(FIRST, text, "id=7")
    restored()
    history.begin(SECOND)
    ran(request(SECOND), SELECT, "id=1", rows=0)
    assert "users: 1 row inserted by" in said(history, AssertionError("assert 404 == 200"))


@pytest.mark.parametrize(
    ("message", "is_about_it"),
    [
        ("assert [] == [1]", True),
        ("assert 'Ann' in '<table></table>'", True),
        ("assert 404 == 200", True),
        ("assert ['row'] == ['rows']", False),
        ("assert 200 == 201", False),
    ],
)
def test_a_list_of_everything(second: History, message: str, is_about_it: bool) -> None:
    """Where all rows were asked for, the assertion has to be about nothing, or about a row that is gone."""
    ran(request(SECOND), "SELECT users.id FROM users", rows=0)
    assert ("found nothing" in said(second, AssertionError(message))) is is_about_it


def test_what_was_found_later(second: History) -> None:
    """The test asked once more, and there was something: that there was nothing before is not why it failed."""
    every = "SELECT users.id FROM users"
    ran(request(SECOND), every, rows=0)
    wrote(request(SECOND))
    assert "HM730" in said(second, AssertionError("assert [] == [1]"))
    ran(request(SECOND), every, rows=1)
    assert "HM730" not in said(second, AssertionError("assert [False] == [True]"))


def test_what_the_test_made_itself(second: History) -> None:
    """Nothing is said where it has rows of its own in the table."""
    wrote(request(SECOND))
    ran(request(SECOND), SELECT, "id=1", rows=0)
    assert said(second, AssertionError("assert 404 == 200")) == ""


def test_what_was_not_undone(history: History) -> None:
    """Nothing is said of what was rolled back, of what is there still, nor of another module's tests."""
    ends = (
        ("rollback", True, FIRST),
        ("commit", False, FIRST),
        ("commit", True, Owner("b.py::test", "test", "function")),
    )
    for how, is_restored, test in ends:
        history.begin(test)
        wrote(test, how=how)
        if is_restored:
            restored()
        history.begin(SECOND)
        ran(SECOND, SELECT, "id=1", rows=0)
        assert said(history, AssertionError("assert 404 == 200")) == ""
        restored()
        history.begin(Owner("c.py::test", "test", "function"))


def test_what_belongs_to_the_baseline(history: History) -> None:
    """Nothing is said of what a wider fixture wrote: no restore takes it."""
    history.begin(FIRST)
    wrote(Owner("fixture 'catalogue' (module scope)", "fixture", "module", FIRST))
    restored()
    history.begin(SECOND)
    ran(SECOND, SELECT, "id=1", rows=0)
    assert said(history, AssertionError("assert 404 == 200")) == ""


def test_an_error_of_the_application(second: History) -> None:
    """Nothing is said where it was not the test that complained, nor outside of its call."""
    ran(SECOND, SELECT, "id=1", rows=0)
    assert said(second, KeyError("id")) == ""
    assert said(second, AssertionError("assert 404 == 200"), "teardown") == ""


@pytest.mark.parametrize(
    ("message", "is_said"),
    [("assert [] == ['Ann']", True), ("assert [] == ['Bob']", False), ("assert 0 == 1", False)],
)
def test_a_row_of_another_module(history: History, message: str, is_said: bool) -> None:
    """It is named where the test compares with a text of it."""
    other = Owner("tests/test_a.py::test_create", "test", "function")
    history.begin(other)
    wrote(request(other))
    restored()
    history.begin(SECOND)
    ran(request(SECOND), "SELECT users.name FROM users", rows=0)
    text = said(history, AssertionError(message))
    assert ("users: 1 row inserted by tests/test_a.py::test_create" in text) is is_said
    assert ("what earlier tests of another module had left there is gone" in text) is is_said
