"""Of a pool that had no connection to give it is said who had those that there are."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import TimeoutError

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.application import RequestEnded
from hermetic.events.database import PoolExhausted
from hermetic.explain.history import History
from hermetic.owners import Owner
from tests.explain.failing import TEST, said

REQUEST = Owner("request GET /shops", "request", "function", TEST)
READS, TAKES, MADE = (Location(file, 3, "f") for file in ("app/api.py", "tests/test_shops.py", "app/db.py"))
WAITED = TimeoutError("QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 2.50")


def exhausted(*holders: tuple[Owner, Location], made_at: Location | None = MADE) -> None:
    """Tell that a request waited in vain."""
    names, places = tuple(owner.name for owner, _ in holders), tuple(str(at) for _, at in holders)
    emit(PoolExhausted(REQUEST, READS, "sqlite+aiosqlite:///a.db", made_at, names, places))


def test_who_waits_and_who_has_the_only_connection(history: History) -> None:
    """With their lines, the engine's, and what gives a connection back."""
    exhausted((TEST, TAKES))
    text = said(WAITED, history)
    assert (
        f"request GET /shops waited 2.5 s at {READS} for a connection of the engine sqlite+aiosqlite:///a.db (made at"
        f" {MADE}), whose pool had given away the one connection that it may have. [HM785]"
    ) in text
    assert f"{TAKES} took one, for {TEST.name}, and has not given it back." in text
    assert f"change: {TAKES}: close that session" in text
    assert "or pool_size=2, or more" in text


def test_many_of_one_line_are_counted(history: History) -> None:
    """And an engine of an unknown line has none."""
    exhausted((REQUEST, READS), (TEST, TAKES), (REQUEST, READS), made_at=None)
    text = said(WAITED, history)
    assert "sqlite+aiosqlite:///a.db, whose pool had given away each connection that it may have." in text
    assert f"{READS} took 2, for request GET /shops, and has not given it back." in text


def test_a_request_that_answered_for_it(history: History) -> None:
    """The test sees an answer of 500."""
    exhausted()
    failed = AssertionError("assert 500 == 200")
    assert "HM785" not in said(failed, history)
    emit(RequestEnded(REQUEST, "GET", "/shops", 500, 0.001, "TimeoutError"))
    assert f"request GET /shops waited in vain at {READS}" in said(failed, history)
    assert "change: a larger pool_size, where" in said(failed, history)


@pytest.mark.parametrize("error", [WAITED, TimeoutError("of something else")])
def test_a_pool_of_nobody(history: History, error: Exception) -> None:
    """Nothing is said where nothing was told."""
    assert "HM785" not in said(error, history)
