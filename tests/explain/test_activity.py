"""What a test did, in lines: made of what was told, by pure functions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hermetic.code import Location
from hermetic.events import Event, emit
from hermetic.events.application import RequestBegan, RequestEnded, TaskFound, WebsocketEnded
from hermetic.events.database import Statement, TransactionEnded
from hermetic.events.lifecycle import CallRaised
from hermetic.explain.activity import LINES, Detail, activity, short_activity
from hermetic.explain.history import History
from hermetic.masking import Masking
from hermetic.owners import PROCESS, Owner

TEST = Owner("tests/test_users.py::test_one", "test", "function")
FIXTURE = Owner("fixture 'user' (function scope)", "fixture", "function", TEST)
POST = Owner("request POST /users", "request", "function", TEST)
HERE = Location("/project/app/users.py", 31, "create")
THERE = Location("/project/tests/test_users.py", 7, "test_one")
DETAIL = Detail(Masking(), "/project")
ALL = Detail(Masking(), "/project", is_whole=True)


def history_of(*events: Event) -> History:
    """Return a history of a test that was told these."""
    history = History()
    history.start()
    history.begin(TEST)
    for event in events:
        emit(event)
    history.stop()
    return history


def said(*events: Event, detail: Detail = DETAIL) -> list[str]:
    """Return the lines of a section."""
    return activity(history_of(*events), detail).splitlines()


def statement(text: str, owner: Owner = TEST, place: Location = THERE, **more: Any) -> Statement:
    """Return a statement that took a millisecond."""
    given: dict[str, Any] = {"parameters": "", "rows": -1, "seconds": 0.001, **more}
    return Statement(owner, place, "sqlite://", 1, text, **given)


def ended(how: str, owner: Owner = TEST, place: Location = THERE) -> TransactionEnded:
    """Return the end of a transaction."""
    return TransactionEnded(owner, place, "sqlite://", 1, how)


def answered(status: int, body: str = "", owner: Owner = POST, **more: Any) -> RequestEnded:
    """Return the end of a request."""
    return RequestEnded(owner, "POST", "/users", status, 0.0071, "", body=body, **more)


BEGAN = RequestBegan(POST, "POST", "/users")
INSERT = "INSERT INTO users (name)\nVALUES (?)"


def test_nothing() -> None:
    """A test that did nothing shows nothing, nor what the process did meanwhile."""
    assert said() == []
    assert said(statement("SELECT 1", PROCESS), CallRaised(TEST)) == []


def test_a_request_and_its_statements() -> None:
    """Status, time, the body of an error, and each statement below the request that executed it."""
    failed = statement(
        INSERT,
        POST,
        HERE,
        parameters="name='Ada'",
        error="IntegrityError",
        message="<class 'asyncpg.X'>: UNIQUE constraint failed: users.name",
    )
    assert said(
        statement("DELETE FROM users", rows=3),
        ended("commit"),
        BEGAN,
        failed,
        ended("rollback", POST, HERE),
        answered(409, '{"detail": "taken"}', query="token=x&a=1"),
        statement("SELECT 1", place=Location("/usr/lib/python3/site-packages/a.py", 1, "f")),
    ) == [
        "the test itself",
        "       1.0 ms  DELETE FROM users  3 rows  tests/test_users.py:7",
        "               committed  tests/test_users.py:7",
        "POST /users?token=***&a=1 -> 409, 7.1 ms",
        '    {"detail": "taken"}',
        "       1.0 ms  INSERT INTO users (name) VALUES (?)  [name='Ada']  app/users.py:31",
        "               failed: IntegrityError: UNIQUE constraint failed: users.name",
        "               rolled back  app/users.py:31",
        "the test itself",
        "       1.0 ms  SELECT 1",
    ]


def test_requests_at_once() -> None:
    """Each has its own statements, whatever their order."""
    other = Owner("request GET /users", "request", "function", FIXTURE)
    lines = said(
        BEGAN,
        RequestBegan(other, "GET", "/users"),
        statement("SELECT 1", POST),
        statement("SELECT 2", other),
        statement("SELECT 3", POST),
        RequestEnded(other, "GET", "/users", 200, 0.001, ""),
        answered(201),
    )
    assert [line.split("  ")[0 if line[0] != " " else -2] for line in lines] == [
        "POST /users -> 201, 7.1 ms",
        "SELECT 1",
        "SELECT 3",
        "GET /users -> 200, 1.0 ms, sent by fixture 'user' (function scope)",
        "SELECT 2",
    ]


def test_a_transaction_that_only_read() -> None:
    """Its rollback is how a session is closed, and says nothing; one that wrote or failed does."""
    assert len(said(statement("SELECT 1"), ended("rollback"))) == 2
    assert len(said(statement("WITH x AS (SELECT 1) SELECT * FROM x"), ended("rollback"))) == 2
    assert len(said(statement("SAVEPOINT a"), statement("SELECT 1"), CallRaised(TEST))) == 3
    assert "rolled back" in said(statement("WITH x AS (SELECT 1) DELETE FROM t"), ended("rollback"))[-1]
    assert "rolled back" in said(statement("SELECT 1", error="E", message="m"), ended("rollback"))[-1]


def test_what_was_not_ended_when_it_failed() -> None:
    """Tasks, requests and transactions; what ends them afterwards does not count."""
    lines = said(
        BEGAN,
        statement(INSERT, rows=1),
        TaskFound(POST, "poll", "/project/app/tasks.py:9"),
        CallRaised(TEST),
        TaskFound(POST, "poll", "/project/app/tasks.py:9"),
        ended("rollback"),
        CallRaised(TEST),
        answered(0),
    )
    assert lines == [
        "POST /users -> not answered when the test failed",
        "    the task `poll` was still running, at app/tasks.py:9",
        "the test itself",
        "       1.0 ms  INSERT INTO users (name) VALUES (?)  1 row  tests/test_users.py:7",
        "    what it wrote was neither committed nor rolled back when the test failed",
    ]


def test_refused_fields() -> None:
    """FastAPI's 422 is spelled out, field by field; what a validator of the project's says of a secret is not."""
    body = {
        "detail": [
            {"loc": ["body", "email"], "msg": "value is not a valid email address", "type": "value_error"},
            {"loc": ["body", "items", 0, "n"], "msg": "Field required", "type": "missing"},
            {
                "loc": ["body", "password"],
                "msg": "hunter2 is weak",
                "type": "value_error",
                "input": "hunter2",
            },
            {"loc": ["body", "password"], "msg": "String should have at least 8 characters", "type": "x"},
        ]
    }
    assert said(BEGAN, answered(422, json.dumps(body)))[1:] == [
        "    body.email: value is not a valid email address",
        "    body.items.0.n: Field required",
        "    body.password: ***",
        "    body.password: String should have at least 8 characters",
    ]
    many = {"detail": body["detail"] * 10}
    assert said(BEGAN, answered(422, json.dumps(many)))[-1] == "    ... and 32 more"
    assert len(said(BEGAN, answered(422, json.dumps(many)), detail=ALL)) == 41


@pytest.mark.parametrize("body", ['{"detail": []}', '{"detail": [1]}', "[1]", "{", '{"detail": "no"}'])
def test_other_bodies(body: str) -> None:
    """They are shown as they are."""
    assert said(BEGAN, answered(422, body))[1:] == [f"    {body}"]


def test_a_long_body() -> None:
    """It is cut, unless everything is wanted; that of a good answer is not there at all."""
    (_, cut), (_, whole) = (said(BEGAN, answered(500, "x" * 9000), detail=each) for each in (DETAIL, ALL))
    assert (len(cut), len(whole)) == (404, 9004)
    assert cut.endswith("x...")


def test_statements_alike() -> None:
    """In a row they are one line; of many others the last are shown, and those that failed."""
    select = statement("SELECT * FROM users WHERE id = ?", parameters="id=1")
    assert said(*[select] * 20)[1] == (
        "      20.0 ms  20 x SELECT * FROM users WHERE id = ?  [id=1]  tests/test_users.py:7"
    )
    failed = statement("SELECT no", error="OperationalError", message="no such column: no")
    lines = said(failed, *[statement(f"SELECT {number}") for number in range(30)])
    assert lines[1] == "    ... 20 more before these (-vv shows all)"
    assert "failed: OperationalError" in lines[3]
    assert "SELECT 29 " in lines[-1]
    assert len(said(failed, *[statement(f"SELECT {number}") for number in range(30)], detail=ALL)) == 33


def test_a_screenful() -> None:
    """The latest is shown, and how much is left out; everything where it is wanted."""
    events: list[Event] = []
    for number in range(90):
        owner = Owner(f"request {number}", "request", "function", TEST)
        events += [RequestBegan(owner, "GET", f"/{number}"), statement("SELECT 1", owner)]
        events.append(RequestEnded(owner, "GET", f"/{number}", 200, 0.001, ""))
    lines = said(*events)
    assert len(lines) == LINES + 1
    assert lines[0] == "... 72 earlier parts of it (-vv shows all)"
    assert "GET /89" in lines[-2]
    assert len(said(*events, detail=ALL)) == 180


def test_what_was_not_kept() -> None:
    """It is said how much that is."""
    lines = said(*[statement("SELECT 1")] * 700)
    assert lines[0] == "... of what was told in between, 200 events were not kept"


def test_a_websocket() -> None:
    """How it ended, by its code or by an error."""
    socket = Owner("websocket /chat", "request", "function", TEST)
    assert said(WebsocketEnded(socket, "/chat", 4001, 0.002, "")) == [
        "websocket /chat -> closed with 4001, 2.0 ms"
    ]
    assert said(WebsocketEnded(socket, "/chat", 0, 0.002, "KeyError")) == [
        "websocket /chat -> KeyError, 2.0 ms"
    ]


def test_many_tasks() -> None:
    """The first few are named."""
    tasks = [TaskFound(TEST, f"t{number}", "/a.py:1") for number in range(9)]
    lines = said(*tasks, CallRaised(TEST))
    assert (len(lines), lines[-1]) == (6, "    and 5 more tasks")


def test_the_short_form() -> None:
    """The last request, and the statement of it that failed; nothing where there was none."""
    failed = statement(INSERT, POST, HERE, error="IntegrityError", message="UNIQUE")
    history = history_of(
        statement("SELECT 1"), BEGAN, statement("SELECT 2", POST), failed, answered(409, "no")
    )
    assert short_activity(history, DETAIL).splitlines() == [
        "POST /users -> 409, 7.1 ms",
        "    no",
        "       1.0 ms  INSERT INTO users (name) VALUES (?)  app/users.py:31",
        "               failed: IntegrityError: UNIQUE",
    ]
    assert short_activity(history_of(statement("SELECT 1")), DETAIL) == ""
