"""Of an attribute that is not loaded it is said which one it is, what took it away, where, and what to change."""

from __future__ import annotations

import gc
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.exceptions import ResponseValidationError
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, func, select
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload
from sqlalchemy.pool import StaticPool
from sqlmodel import Field, SQLModel

from hermetic.client import AsyncTestClient
from hermetic.explain.history import History
from tests.explain.failing import FIXTURE, in_a_loop, said

pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
"""Where a driver's cursor is asked for outside of a greenlet."""


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Those are collected before the next test."""
    yield
    gc.collect()


class Base(DeclarativeBase):
    """The tables of this module."""


class Author(Base):
    """One that has all that may be missing."""

    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    biography: Mapped[str | None] = mapped_column(deferred=True)
    version: Mapped[int | None] = mapped_column(onupdate=func.abs(-2))
    books: Mapped[list[Book]] = relationship()


class Book(Base):
    """What it leads to."""

    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))


class Shop(SQLModel, table=True):
    """One of another base."""

    id: int | None = Field(default=None, primary_key=True)
    name: str


@asynccontextmanager
async def database() -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """A database with an author, and what makes Sessions that expire at a commit."""
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.run_sync(Shop.__table__.create)  # type: ignore[attr-defined]
    sessions = async_sessionmaker(engine)
    async with sessions.begin() as session:
        session.add(Author(name="Ann"))
    try:
        yield sessions
    finally:
        await engine.dispose()


def failed(read: Callable[[], object]) -> Exception:
    """Return what reading something raises."""
    with pytest.raises(Exception) as raised:
        read()
    return raised.value


def name_of(author: Author) -> str:
    """Read it where the object is called so."""
    return author.name


def here(less: int = 0) -> str:
    """Return the line that calls this, or one so many lines above it."""
    frame = sys._getframe(1)
    return f"{__file__}:{frame.f_lineno - less}"


@in_a_loop
async def test_a_commit(history: History) -> None:
    """What it expired: the attribute, the line of the commit, whose Session that is and where it was made."""
    async with database() as sessions, sessions() as session:
        made = here(1)
        bob = Author(name="Bob")
        session.add(bob)
        await session.commit()
        committed = here(1)
        text = said(failed(lambda: name_of(bob)), history)
        assert "reads Author.name, which is not loaded" in text
        assert f"The commit at {committed} has expired" in text
        assert f"that of {FIXTURE.name}, made at {made}" in text
        assert f"change: expire_on_commit=False where the session is made ({made}" in text
        assert "change: await session.refresh(author) after the commit" in text
        assert "[HM740]" in text


@in_a_loop
async def test_the_changes_are_right(history: History) -> None:
    """With either of them what failed can be read."""
    async with database() as sessions:
        async with sessions(expire_on_commit=False) as session:
            author = Author(name="Bob")
            session.add(author)
            await session.commit()
            assert author.name == "Bob"
        async with sessions() as session:
            author = await session.get_one(Author, 1, options=[selectinload(Author.books)])
            assert author.books == []
            await session.commit()
            await session.refresh(author, ["books"])
            assert author.books == []


@in_a_loop
async def test_a_rollback(history: History) -> None:
    """It expires, whatever expire_on_commit is, which is not recommended then."""
    async with database() as sessions, sessions(expire_on_commit=False) as session:
        author = await session.get_one(Author, 1)
        await session.rollback()
        text = said(failed(lambda: author.name), history)
        assert f"The rollback at {here(2)} has expired" in text
        assert "expire_on_commit" not in text
        assert "change: await session.refresh(author) after the rollback" in text


@in_a_loop
async def test_a_relationship_that_was_never_loaded(history: History) -> None:
    """Its commit is none of the reasons: the query has to ask for it."""
    async with database() as sessions, sessions(expire_on_commit=False) as session:
        author = await session.get_one(Author, 1)
        await session.commit()
        text = said(failed(lambda: author.books), history)
        assert "reads Author.books" in text
        assert "It was never loaded" in text
        assert "change: selectinload(Author.books)" in text
        assert "expire" not in text


@in_a_loop
async def test_a_relationship_that_was_expired(history: History) -> None:
    """Whether it was loaded before nobody knows: what helps in either case is recommended."""
    async with database() as sessions, sessions() as session:
        author = await session.get_one(Author, 1)
        await session.commit()
        text = said(failed(lambda: author.books), history)
        assert f"The commit at {here(2)} has expired" in text
        assert 'change: await session.refresh(author, ["books"]) after the commit' in text
        assert "expire_on_commit" not in text


@in_a_loop
async def test_columns_that_are_not_there(history: History) -> None:
    """A deferred one, and one whose value the database makes."""
    async with database() as sessions, sessions() as session:
        author = await session.get_one(Author, 1)
        assert "change: undefer(Author.biography)" in said(failed(lambda: author.biography), history)
        author.name = "Bob"
        await session.flush()
        text = said(failed(lambda: author.version), history)
        assert "The database makes its value" in text
        assert "eager_defaults" in text


@in_a_loop
async def test_a_savepoint(history: History) -> None:
    """The end of one expires nothing: the commit before it did."""
    async with database() as sessions, sessions() as session:
        author = await session.get_one(Author, 1)
        await session.commit()
        committed = here(1)
        async with session.begin_nested():
            pass
        assert f"The commit at {committed}" in said(failed(lambda: author.name), history)


@in_a_loop
async def test_a_session_that_was_closed(history: History) -> None:
    """Which, where; and what took the attribute away before, or that nothing did."""
    async with database() as sessions:
        async with sessions() as session:
            author = await session.get_one(Author, 1)
        text = said(failed(lambda: author.books), history)
        assert "reads Author.books" in text
        assert f"that of {FIXTURE.name}, made at {here(4)}, was closed" in text
        assert "change: selectinload(Author.books)" in text
        session = sessions()
        author = await session.get_one(Author, 1)
        await session.commit()
        committed = here(1)
        await session.close()
        text = said(failed(lambda: author.name), history)
        assert f"was closed at {here(2)}" in text
        assert f"The commit at {committed} has expired" in text
        assert "change: expire_on_commit=False" in text
        assert "[HM741]" in text


@in_a_loop
async def test_a_session_that_was_closed_since(history: History) -> None:
    """The block of the Session ends while the error leaves it, before anybody explains it."""
    async with database() as sessions:
        async with sessions() as session:
            author = await session.get_one(Author, 1)
            error = failed(lambda: author.books)
        text = said(error, history)
        assert "closed" not in text
        assert "change: selectinload(Author.books)" in text
        assert "[HM740]" in text
        async with sessions() as session:
            author = await session.get_one(Author, 1)
            await session.commit()
            committed = here(1)
            error = failed(lambda: author.name)
        text = said(error, history)
        assert f"The commit at {committed} has expired" in text
        assert "[HM740]" in text


@in_a_loop
async def test_one_that_was_expunged(history: History) -> None:
    """No Session was closed above it, and none is named."""
    async with database() as sessions, sessions() as session:
        author = await session.get_one(Author, 1)
        session.expunge(author)
        text = said(failed(lambda: author.books), history)
        assert "belongs to no session any more" in text
        assert "closed at" not in text


@in_a_loop
async def test_another_base(history: History) -> None:
    """SQLModel's objects are said of in the same words."""
    async with database() as sessions, sessions() as session:
        shop = Shop(name="corner")
        session.add(shop)
        await session.commit()
        text = said(failed(lambda: shop.name), history)
        assert "reads Shop.name" in text
        assert f"The commit at {here(3)}" in text


class Answer(BaseModel):
    """What an endpoint returns."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    books: list[int]


@in_a_loop
async def test_a_response(history: History) -> None:
    """Pydantic reads the attribute, and loses where: its error has the object, and which attribute it was."""
    app = FastAPI()
    async with database() as sessions:

        @app.get("/authors", response_model=list[Answer])
        async def authors() -> Any:
            async with sessions() as session:
                app.state.session = session
                return (await session.scalars(select(Author))).all()

        @app.get("/one", response_model=Answer)
        async def one() -> Any:
            session = app.state.session = sessions()
            return await session.get_one(Author, 1)

        with pytest.raises(ResponseValidationError) as raised:
            await AsyncTestClient(app).get("/authors")
        assert "Author.books, which is not loaded, of an object that belongs to no session" in said(
            raised.value, history
        )
        with pytest.raises(ResponseValidationError) as raised:
            await AsyncTestClient(app).get("/one")
        text = said(raised.value, history)
        assert "Author.books, which is not loaded; " in text
        assert "change: selectinload(Author.books)" in text
        await app.state.session.close()


def test_what_is_not_about_an_attribute(history: History) -> None:
    """Nothing is said where no object was read."""
    assert said(MissingGreenlet("greenlet_spawn has not been called"), history) == ""
    assert said(AttributeError("books"), history) == ""
