"""A statement's parameters as text: by value where the column is known and not secret, else by type; bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from enum import Enum
from typing import Any

import pytest
from sqlalchemy import Engine, bindparam, create_engine, event, func, insert, select, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column

from hermetic.database.engines.parameters import PARAMETERS, driver_text_of, text_of
from hermetic.masking import Masking


class Base(DeclarativeBase):
    """The tables."""


class Kind(Enum):
    """Something that is no plain scalar."""

    ADMIN = 1


class User(Base):
    """Somebody, whose attribute is called otherwise than the column."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    secret_word: Mapped[str] = mapped_column("password_hash")
    born: Mapped[date | None]
    kind: Mapped[Kind | None]
    picture: Mapped[bytes | None]


class Setting(Base):
    """Something whose column is only called a value."""

    __tablename__ = "api_secrets"
    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[str]


class Entry(Base):
    """The same, where it is no secret."""

    __tablename__ = "entries"
    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[str]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine with the table."""
    made = create_engine("sqlite://")
    Base.metadata.create_all(made)
    yield made
    made.dispose()


def told(engine: Engine, work: Callable[[Session], Any], masking: Masking = Masking()) -> str:  # noqa: B008
    """Return what is told of the last statement that a session executes."""
    texts: list[str] = []

    def hear(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
    ) -> None:
        texts.append(text_of(context, masking))

    event.listen(engine, "after_cursor_execute", hear)
    try:
        with Session(engine) as session:
            work(session)
            session.flush()
    finally:
        event.remove(engine, "after_cursor_execute", hear)
    return texts[-1]


def test_an_insert(engine: Engine) -> None:
    """Plain values by value, others by type, and a secret not at all."""
    user = User(name="Ada", secret_word="hunter2", born=date(1815, 12, 10), kind=Kind.ADMIN, picture=b"x")
    assert told(engine, lambda session: session.add(user)) == (
        "name='Ada', password_hash=***, born=1815-12-10, kind=Kind, picture=bytes"
    )


def test_a_column_that_says_nothing_of_itself(engine: Engine) -> None:
    """Its table says what a value is, be it written or compared with, by an alias too."""
    assert told(engine, lambda session: session.add(Setting(value="hunter2"))) == "api_secrets.value=***"
    assert told(engine, lambda session: session.add(Entry(value="free"))) == "entries.value='free'"
    query = select(Setting).where(Setting.value == "hunter2")
    assert told(engine, lambda session: session.execute(query)) == "api_secrets.value=***"
    other = aliased(Setting)
    assert told(engine, lambda session: session.execute(select(other).where(other.value == "hunter2"))) == (
        "api_secrets.value=***"
    )


def test_many_rows(engine: Engine) -> None:
    """The first one, and how many more there are."""
    rows = [{"name": name, "secret_word": "hunter2"} for name in "abc"]
    assert told(engine, lambda session: session.execute(insert(User), rows)).endswith("and 2 more")
    several = insert(User).values(rows)
    assert told(engine, lambda session: session.execute(several)).startswith("name='a', password_hash=***")


def test_what_a_column_is_compared_with(engine: Engine) -> None:
    """It is the column's, whatever the parameter is called, and inside functions and lists."""
    query = select(User).where(
        User.secret_word == "hunter2", func.lower(User.name) == "ada", User.id.in_([1, 2])
    )
    assert told(engine, lambda session: session.execute(query)) == (
        "password_hash=***, name='ada', id=1, id=2"
    )
    change = update(User).where(User.secret_word == bindparam("x")).values(name="n")
    assert told(engine, lambda session: session.execute(change, {"x": "hunter2"})) == (
        "name='n', password_hash=***"
    )
    assert told(engine, lambda session: session.get(User, 77)) == "id=77"


def test_where_no_column_is_known(engine: Engine) -> None:
    """Types, unless the project asks for values; a name that is secret is then enough."""
    query = text("SELECT :a, :token").bindparams(a=1, token="hunter2")
    work: Callable[[Session], Any] = lambda session: session.execute(query)  # noqa: E731
    assert told(engine, work) == "a: int, token=***"
    assert told(engine, work, Masking(parameters="all")) == "a=1, token=***"
    assert told(engine, lambda session: session.execute(select(User).limit(3))) in (
        "param_1: int",
        "param_1: int, param_2: int",
    )


def test_what_the_driver_is_given(engine: Engine) -> None:
    """Nothing was compiled: types, or all values where they are asked for."""
    work: Callable[[Session], Any] = lambda session: session.connection().exec_driver_sql(  # noqa: E731
        "SELECT ?, ?", (1, "x")
    )
    assert told(engine, work) == "int, str"
    assert told(engine, work, Masking(parameters="all")) == "1, 'x'"


def test_types_alone(engine: Engine) -> None:
    """A project may want no values at all."""
    query = select(User).where(User.name == "Ada", User.secret_word == "x")
    assert told(engine, lambda session: session.execute(query), Masking(parameters="types")) == (
        "name: str, password_hash=***"
    )


def test_a_driver_s_own_rows() -> None:
    """Of many rows the first, with names where it has some."""
    assert driver_text_of([()], Masking()) == ""
    assert driver_text_of([{"n": 1}, {"n": 2}], Masking()) == "n: int and 1 more"
    assert driver_text_of([("a",), ("b",), ("c",)], Masking()) == "str and 2 more"
    assert driver_text_of({"password": "hunter2"}, Masking(parameters="all")) == "password=***"


def test_it_is_bounded(engine: Engine) -> None:
    """A long value, and many of them."""
    query = select(User).where(User.name == "x" * 10_000)
    assert len(told(engine, lambda session: session.execute(query))) == PARAMETERS
    assert len(driver_text_of(tuple(range(10_000)), Masking())) == PARAMETERS
    assert driver_text_of((1,) * 10_000, Masking(parameters="all")).endswith("...")
