"""Of a value that a factory's sequence gave to an earlier test it is said which sequence that is."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from hermetic.code import UNKNOWN
from hermetic.events import emit
from hermetic.events.application import RequestEnded
from hermetic.events.database import Statement
from hermetic.explain.factories import explain
from hermetic.explain.failure import Failure
from hermetic.explain.history import History
from hermetic.owners import Owner


class User(dict[str, Any]):
    """What is made."""


factory: Any = import_module("factory")
UserFactory = factory.make_factory(
    User,
    id=factory.Sequence(lambda n: n + 1),
    name=factory.Sequence(lambda n: f"user{n}"),
    city="Paris",
)


def expecting() -> None:
    """A test that expects what the sequences begin with."""
    print("user0", "/users/1", 1, "Paris")


TEST = Owner("tests/test_users.py::test_two", "test", "function", function=expecting)


@pytest.fixture(autouse=True)
def counted() -> None:
    """Somebody has made some before."""
    UserFactory.build_batch(3)


def said(history: History, error: BaseException, parameters: str) -> str:
    """Return what is said of a test that has inserted a row."""
    text = "INSERT INTO users (id, name, city) VALUES (?, ?, ?)"
    emit(Statement(TEST, UNKNOWN, "sqlite:///a", 1, text, parameters, 1, 0.0))
    return "\n".join(map(str, explain(Failure(TEST, "call", error), history)))


def test_a_name(history: History) -> None:
    """The factory, its attribute, where it counts, and what to call."""
    text = said(history, AssertionError("assert 'user2' == 'user0'"), "id=3, name='user2', city='Paris'")
    assert (
        f"{TEST.name} expects 'user0', and UserFactory.name is 'user2' here: a Sequence ({__file__}:" in text
    )
    assert "[HM783]" in text
    assert "UserFactory.reset_sequence()" in text


def test_an_id_in_a_path(history: History) -> None:
    """Of a request that found nothing."""
    emit(RequestEnded(TEST, "GET", "/users/1", 404, 0.0, ""))
    assert "expects '1', and UserFactory.id is '3'" in said(history, KeyError("name"), "id=3, name='Ada'")


@pytest.mark.parametrize(
    ("message", "parameters"),
    [
        ("assert 'user7' == 'user2'", "name='user2'"),
        ("assert 'user2' == 'user0'", "name='user0'"),
        ("assert 'user2' == 'user0'", "nickname='user2'"),
        ("assert 'Rome' == 'Paris'", "city='Rome'"),
        ("assert 'user0' == 'admin2'", "name='admin2'"),
    ],
    ids=["not the test's own words", "it is there", "another column", "no sequence", "another text"],
)
def test_what_no_sequence_is_to_blame_for(history: History, message: str, parameters: str) -> None:
    """Nothing is said."""
    assert said(history, AssertionError(message), parameters) == ""


def test_another_phase(history: History) -> None:
    """Nothing is said of a teardown."""
    assert not list(explain(Failure(TEST, "teardown", AssertionError("'user0'")), history))
