"""Of a row that a session remembers it is said which request changed it since, and how to have it read again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.database import Statement, TransactionEnded
from hermetic.explain.history import History
from hermetic.owners import Owner
from tests.explain.failing import TEST, in_a_loop, said

REQUEST = Owner("request PUT /pens/1 of tests/test_users.py::test_one", "request", "function", TEST)
PLACE = Location("app/main.py", 7, "change")


class Base(DeclarativeBase):
    """The tables of this module."""


class Pen(Base):
    """One with two values."""

    __tablename__ = "pens"
    id: Mapped[int] = mapped_column(primary_key=True)
    colour: Mapped[str]
    length: Mapped[int]


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[AsyncSession]:
    """Open a session that has read a pen."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder}/pens.db")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        session.add(Pen(id=1, colour="red", length=3))
        await session.commit()
        yield session
    await engine.dispose()


def requested(text: str, parameters: str, how: str = "commit") -> None:
    """Tell that a request has changed something, and how that ended."""
    emit(Statement(REQUEST, PLACE, "sqlite://", 1, text, parameters, 1, 0.001))
    emit(TransactionEnded(REQUEST, PLACE, "sqlite://", 1, how))


async def by_its_variable(session: AsyncSession) -> None:
    """Compare an object that the test has."""
    pen = await session.get_one(Pen, 1)
    assert pen.colour == "blue"


async def by_another_query(session: AsyncSession) -> None:
    """Compare one that is read again."""
    assert (await session.scalars(select(Pen))).one().colour == "blue"


async def that_it_is_gone(session: AsyncSession) -> None:
    """Want no row."""
    assert await session.get(Pen, 1) is None


async def another_attribute(session: AsyncSession) -> None:
    """Compare what nobody has changed."""
    assert (await session.scalars(select(Pen))).one().length == 4


async def said_of(test: Callable[[AsyncSession], Any], history: History, folder: Path, *told: str) -> str:
    """Return what is said of a test before which a request has changed something."""
    async with opened(folder) as session:
        kept = await session.get(Pen, 1)
        requested(*told)
        with pytest.raises(AssertionError) as caught:
            await test(session)
        assert kept is not None
        return said(caught.value, history)


UPDATE = ("UPDATE pens SET colour=? WHERE pens.id = ?", "colour='blue', id=1")


@in_a_loop
async def test_what_was_changed(history: History, tmp_path: Path) -> None:
    """The line that reads it, whose session that is, the request and its line."""
    text = await said_of(by_its_variable, history, tmp_path, *UPDATE)
    line = by_its_variable.__code__.co_firstlineno + 3
    assert f"{__file__}:{line} reads Pen.colour as the session 'session' remembers it" in text
    assert "before the request PUT /pens/1 changed it (app/main.py:7)" in text
    assert "change: await session.refresh(pen) before that line" in text
    assert "[HM732]" in text


@in_a_loop
async def test_what_is_read_again(history: History, tmp_path: Path) -> None:
    """A second query does not help, and expire_all() does."""
    text = await said_of(by_another_query, history, tmp_path, *UPDATE)
    assert "reads Pen.colour as the session" in text
    assert "change: session.expire_all() before the row is read again" in text


async def by_a_session_that_ended(session: AsyncSession) -> None:
    """Compare an object whose session is closed when the failure is looked at."""
    pen = (await session.scalars(select(Pen))).one()
    try:
        assert pen.colour == "blue"
    finally:
        await session.close()


async def another_of_that_kind(session: AsyncSession) -> None:
    """Compare what is not the object that was remembered."""
    pen = (await session.scalars(select(Pen))).one()
    await session.close()
    copy = Pen(id=pen.id, colour="green")
    assert copy.colour == "blue"


@in_a_loop
async def test_what_a_session_remembered_until_it_ended(history: History, tmp_path: Path) -> None:
    """hermetic's own ends with the call, and what the test holds of it is looked at by its variable."""
    text = await said_of(by_a_session_that_ended, history, tmp_path, *UPDATE)
    assert "reads Pen.colour as the session 'session' remembers it" in text


@in_a_loop
async def test_what_the_line_does_not_read(history: History, tmp_path: Path) -> None:
    """Another object of the same class is not taken for one that a session had."""
    assert await said_of(another_of_that_kind, history, tmp_path, *UPDATE) == ""


@in_a_loop
async def test_what_was_deleted(history: History, tmp_path: Path) -> None:
    """A session gives a row that is gone, too."""
    text = await said_of(that_it_is_gone, history, tmp_path, "DELETE FROM pens WHERE pens.id = ?", "id=1")
    assert "reads Pen (a row that is gone)" in text
    assert "before the request PUT /pens/1 deleted it" in text


@in_a_loop
@pytest.mark.parametrize(
    "told",
    [
        (*UPDATE, "rollback"),
        (UPDATE[0], "colour='red', id=1"),
        (UPDATE[0], "colour='blue', id=2"),
        ("UPDATE books SET colour=? WHERE books.id = ?", "colour='blue', id=1"),
        ("INSERT INTO pens (id, colour) VALUES (?, ?)", "id=1, colour='blue'"),
        (UPDATE[0], "colour=***, id=1"),
    ],
    ids=["rolled back", "the same value", "another row", "another table", "an insert", "a secret"],
)
async def test_what_is_not_remembered(history: History, tmp_path: Path, told: tuple[str, ...]) -> None:
    """Nothing is said where what the session has is what the database has, or nobody can tell."""
    assert await said_of(by_its_variable, history, tmp_path, *told) == ""


@in_a_loop
async def test_an_attribute_that_was_not_changed(history: History, tmp_path: Path) -> None:
    """Nothing is said where the line reads another attribute."""
    assert await said_of(another_attribute, history, tmp_path, *UPDATE) == ""
