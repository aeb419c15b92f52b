"""Two sides that say the same in another way: rows in another order, text in place of a value, another object."""

from __future__ import annotations

import sys
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.application import RequestEnded
from hermetic.events.database import Statement
from hermetic.explain import compared
from hermetic.explain.failure import Failure
from hermetic.explain.history import History
from hermetic.owners import Owner

TEST = Owner("tests/test_users.py::test_list", "test", "function")
REQUEST = Owner("request GET /users of tests/test_users.py::test_list", "request", "function", TEST)
OTHER = Owner("tests/test_users.py::test_other", "test", "function")
FILE = "tests/test_of_a_line.py"
PLACE = Location("app/main.py", 7, "show")


class Base(DeclarativeBase):
    """Tables."""


class Member(Base):
    """A class without equality of its own."""

    __tablename__ = "members"
    id: Mapped[int] = mapped_column(primary_key=True)


class Named(Base):
    """A class that is shown by its key."""

    __tablename__ = "named"
    key: Mapped[int] = mapped_column(primary_key=True)

    def __repr__(self) -> str:
        return f"Named({self.key})"


class Equal(Base):
    """A class whose objects are equal by their key."""

    __tablename__ = "equal"
    id: Mapped[int] = mapped_column(primary_key=True)

    def __eq__(self, other: object) -> bool:
        return False


class Plain:
    """A class of no table."""


def ran(text: str, rows: int = -1, owner: Owner = REQUEST) -> None:
    """Tell of a statement."""
    emit(Statement(owner, PLACE, "sqlite://", 1, text, "", rows, 0.001))


def failing(message: str, **values: Any) -> BaseException:
    """Return an assertion that failed in a function of the project's, with these locals."""
    try:
        source = f"def test_it({', '.join(values)}):\n    raise AssertionError({message!r})\n"
        found: dict[str, Any] = {}
        exec(compile(source, FILE, "exec"), found)
        found["test_it"](**values)
    except AssertionError as error:
        return error
    raise AssertionError("it raises")


def said(history: History, message: str, **values: Any) -> str:
    """Return what is said of a test that failed so."""
    return "".join(map(str, compared.explain(Failure(TEST, "call", failing(message, **values)), history)))


@pytest.fixture(autouse=True)
def begun(history: History) -> None:
    """The test has begun."""
    history.begin(TEST)


ORDERED = "SELECT users.name FROM users ORDER BY users.name"
UNORDERED = "SELECT users.name FROM users"


def test_rows_in_another_order(history: History) -> None:
    """The query, which asks for no order, and the line that compares."""
    ran(UNORDERED, 2)
    text = said(history, "assert ['Bob', 'Ann'] == ['Ann', 'Bob']\n\n  At index 0")
    assert "tests/test_of_a_line.py:2 compares the same values in another order" in text
    assert (
        "the query of request GET /users of tests/test_users.py::test_list that gave them (app/main.py:7)"
        in text
    )
    assert "change: app/main.py:7: .order_by(...)" in text
    assert "change: tests/test_of_a_line.py:2: sorted(...)" in text
    assert "[HM806]" in text


@pytest.mark.parametrize(
    ("message", "statements"),
    [
        ("assert ['Bob'] == ['Ann']", [(UNORDERED, 1)]),
        ("assert [1, 2] == [1, 2]", [(UNORDERED, 2)]),
        ("assert ['b', 'a'] == ['a', 'b']", [(UNORDERED, 2), (ORDERED, 2)]),
        ("assert ['b', 'a'] == ['a', 'b']", [(UNORDERED, 3)]),
        ("assert ['b', 'a'] == ['a', 'b']", [("SELECT count(*) FROM users", 2)]),
        ("assert ['b', 'a'] == ['a', 'b']", [("SELECT 1, 2", 2)]),
        ("assert ['b', 'a'] == ['a', ...", [(UNORDERED, 2)]),
        ("assert ['b', 'a'] == ('a', 'b')", [(UNORDERED, 2)]),
        ("assert ['b', 'a'] == ['a', 'b']", []),
    ],
)
def test_other_lists(history: History, message: str, statements: list[tuple[str, int]]) -> None:
    """Other values, a query with an order, or one that cannot have given these rows."""
    for text, rows in statements:
        ran(text, rows)
    assert said(history, message) == ""


def test_the_query_of_another_test(history: History) -> None:
    """It has not given the rows of this one."""
    ran(UNORDERED, 2, OTHER)
    assert said(history, "assert ['b', 'a'] == ['a', 'b']") == ""


KEY = UUID(int=7)


@pytest.mark.parametrize(
    ("message", "kind", "change"),
    [
        (f"assert {str(KEY)!r} == {KEY!r}", "a UUID", "UUID(...) around the text, or str(...) of the value"),
        (f"assert {KEY!r} == {str(KEY)!r}", "a UUID", "str(...)"),
        (
            "assert '2024-05-01T12:00:00' == datetime.datetime(2024, 5, 1, 12, 0)",
            "a datetime",
            "datetime.fromisoformat(...) around the text, or .isoformat() of the value",
        ),
        ("assert '2024-05-01' == datetime.date(2024, 5, 1)", "a date", "date.fromisoformat(...)"),
        ("assert '9.50' == Decimal('9.50')", "a Decimal", "Decimal(...) around the text"),
        ("assert {'id': 1, 'sum': '1.5'} == {'id': 1, 'sum': Decimal('1.50')}", "a Decimal", "Decimal(...)"),
        (f"assert {{'id': {str(KEY)!r}}} == {{'id': {KEY!r}}}", "a UUID", "str(...)"),
        (f"assert [{str(KEY)!r}] == [{KEY!r}]", "a UUID", "str(...)"),
        (
            "assert [{'id': '0000...}] == [{'id': ...}]\n\n"
            f"  At index 0 diff: {{'id': {str(KEY)!r}}} != {{'id': {KEY!r}}}",
            "a UUID",
            "str(...)",
        ),
    ],
)
def test_text_of_an_answer(history: History, message: str, kind: str, change: str) -> None:
    """The kind of the value, and how one of the two becomes the other."""
    assert said(history, message) == ""
    emit(RequestEnded(REQUEST, "GET", "/users", 200, 0.001, ""))
    text = said(history, message)
    assert f"with {kind} of that value: the two are not equal. [HM807]" in text
    assert f"change: tests/test_of_a_line.py:2: {change}" in text or change in text.partition("change: ")[2]


@pytest.mark.parametrize(
    "message",
    [
        f"assert {str(UUID(int=8))!r} == {KEY!r}",
        "assert 'nothing' == datetime.date(2024, 5, 1)",
        "assert 'x' == Decimal('9.50')",
        "assert '1' == Decimal()",
        "assert '1' == Decimal(of('1'))",
        "assert '1' == Decimal('one')",
        "assert '1' == make('1')",
        "assert '1' == (lambda: 1)()",
        "assert {'id': '1'} == {'key': '1', **other}",
        "assert {**other} == {'key': 2}",
        "assert 1 == 2",
        "assert (1 == ",
        "no assertion",
    ],
)
def test_other_values(history: History, message: str) -> None:
    """Of what differs for another reason nothing is said."""
    emit(RequestEnded(REQUEST, "GET", "/users", 200, 0.001, ""))
    assert said(history, message) == ""


def shown(kind: type, address: int) -> str:
    """Return how an object is shown that shows itself as most do."""
    return f"<{kind.__module__}.{kind.__name__} object at {address:#x}>"


@pytest.mark.parametrize("message", ["assert {} == {}", "assert {} in [{}]"])
def test_objects_of_two_sessions(history: History, message: str) -> None:
    """The class, and the column that tells its rows apart."""
    text = said(history, message.format(shown(Member, 16), shown(Member, 17)))
    assert (
        "tests/test_of_a_line.py:2 compares two objects of Member: each session makes one of its own of a row"
        in text
    )
    assert "change: tests/test_of_a_line.py:2: compare what tells rows apart, Member.id" in text
    assert "[HM808]" in text


def test_objects_that_look_the_same(history: History) -> None:
    """Both are shown alike, by a method of theirs."""
    text = said(history, "assert Named(1) == Named(1)", one=Named(key=1), other=3)
    assert "two objects of Named" in text
    assert "Named.key" in text


@pytest.mark.parametrize("kind", [Equal, Plain])
def test_objects_that_are_equal_otherwise(history: History, kind: type) -> None:
    """Those with an equality of their own, and those of no table."""
    assert said(history, f"assert {shown(kind, 16)} == {shown(kind, 17)}") == ""


def test_one_object(history: History) -> None:
    """It is on both sides, or its class is gone."""
    assert said(history, f"assert {shown(Member, 16)} == [{shown(Member, 16)}]") == ""
    assert "no.such" not in sys.modules
    assert said(history, "assert <no.such.Class object at 0x1> == <no.such.Class object at 0x2>") == ""


def test_an_error_of_another_kind(history: History) -> None:
    """Only an assertion has sides."""
    failure = Failure(TEST, "call", ValueError("assert 1 == 2"))
    assert [*compared.explain(failure, history)] == []
