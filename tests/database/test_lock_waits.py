"""What is said of a wait that would last for ever, and when it counts as one."""

from __future__ import annotations

import pytest

from hermetic.code import Location
from hermetic.database import lock_waits
from hermetic.database.in_use import Checkout
from hermetic.database.lock_waits import TEXT, LockUser, LockWait, Patience, error_of, shown, told_of
from hermetic.errors import Deadlock, UncommittedWrites
from hermetic.owners import Kind, Owner, Scope


def user(name: str, kind: Kind, scope: Scope, line: int, statement: str = "", **more: bool) -> LockUser:
    """Make somebody's connection."""
    owner = Owner(name, kind, scope)
    checkout = Checkout(owner, Location("tests/test_a.py", line, "f"), "postgresql://shop")
    return LockUser(checkout, None, 3.25, statement, **more)


DROPS = user("fixture 'tables' (function scope)", "fixture", "function", 7, "DROP  TABLE\n users")
READS = user("fixture 'session' (session scope)", "fixture", "session", 3)


def test_a_wider_fixture_s_session() -> None:
    """Both are named, what waits, since when, and each change that helps."""
    error = error_of(LockWait(DROPS, (READS,), "a lock"), READS)
    assert isinstance(error, Deadlock)
    assert str(error) == (
        "fixture 'tables' (function scope) waits for ever at tests/test_a.py:7: fixture 'session' (session scope)"
        " cannot go on before it. [HM770]\n"
        "DROP TABLE users waited 1.5 seconds for a lock, which fixture 'session' (session scope) holds in a"
        " transaction that has been idle for 3.2 seconds; its connection was taken at tests/test_a.py:3.\n"
        "Whoever would go on there waits, in Python, for the statement: no database sees such a deadlock.\n\n"
        "hint: commit, roll back or close at tests/test_a.py:3 before that statement: 'async with' does it for you\n"
        "hint: or give fixture 'session' (session scope) the scope of those who use it, so that it ends before they"
        " do\n"
        "hint: or delete what empties the database: hermetic brings its baseline back before each test\n"
        "more: hermetic explain HM770"
    )


def test_a_request_of_the_test() -> None:
    """It has its own code and words; where a wider fixture holds the lock, the general ones."""
    request = user("request POST /users", "request", "function", 9, "INSERT INTO users")
    test = user("test_it", "test", "function", 5)
    wait = LockWait(request, (test,), "a lock")
    assert isinstance(error_of(wait, test), UncommittedWrites)
    assert isinstance(error_of(wait, READS), Deadlock)
    assert "is still reading" in str(error_of(LockWait(request, (test,), "the lock", reads=True), test))
    assert "keeps by reading" in str(error_of(LockWait(request, (READS,), "the lock", reads=True), READS))


def test_a_lock_in_a_pool() -> None:
    """Nobody has the connection: it is told how to give the lock back."""
    pooled = user("test_it", "test", "function", 5, is_pooled=True)
    error = error_of(LockWait(DROPS, (pooled,), "a lock"), pooled)
    assert "took, and gave its connection back with it" in str(error)
    assert error.hints == (
        "give the lock back on the connection that took it, at tests/test_a.py:5: pg_advisory_unlock",
    )


def test_what_is_told() -> None:
    """The same, as an event; of somebody who is not known nothing is claimed."""
    wait = LockWait(LockUser(None, None), (READS,), "a lock")
    error = error_of(wait, READS)
    told = told_of(wait, READS, error)
    assert (told.owner.name, told.holder.name) == ("the process", "fixture 'session' (session scope)")
    assert told.message == str(error)


def test_what_is_shown_of_a_statement() -> None:
    """One line, and not too long."""
    assert shown("SELECT\n  1") == "SELECT 1"
    assert shown("") == "a statement"
    assert shown("x" * 500) == "x" * TEXT + "..."


def test_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait that looks so from the first look on has lasted as long as it has waited; a later one begins then."""
    clock = [100.0]
    monkeypatch.setattr(lock_waits, "now", lambda: clock[0])
    monkeypatch.setattr(lock_waits, "LOOKS", 1)
    patience = Patience()
    assert not patience.is_over(for_ever=True, waited=1.0)
    clock[0] += 0.5
    assert patience.is_over(for_ever=True, waited=1.5)
    assert not patience.is_over(for_ever=False, waited=1.6)
    assert not patience.is_over(for_ever=True, waited=9.0)
    clock[0] += 1.4
    assert not patience.is_over(for_ever=True, waited=9.0)
    clock[0] += 0.2
    assert patience.is_over(for_ever=True, waited=9.0)


def test_one_look_is_not_enough() -> None:
    """It may come at a bad moment, late on a busy machine."""
    patience = Patience()
    assert [patience.is_over(for_ever=True, waited=9.0) for _ in range(3)] == [False, False, True]
    assert not patience.is_over(for_ever=False, waited=9.0)
