"""Rows go back, and so does what Sessions that outlive a test hold of them."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import Project

SYNC = "sqlite:///./production.db"
ASYNC = "sqlite+aiosqlite:///./production.db"

MODELS = """
from fastapi import FastAPI
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, scoped_session, sessionmaker

engine = create_engine("SYNC")
async_engine = create_async_engine("ASYNC")
Session = scoped_session(sessionmaker(engine))
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship(back_populates="author", cascade="all, delete-orphan")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books")


@app.get("/books/{number}")
def read(number: int):
    book = Session.get(Book, number)
    return {"title": book.title, "author": book.author.name}
"""

FACTORIES = """
import factory
from factory.alchemy import SQLAlchemyModelFactory

from models import Author, Book, Session


class AuthorFactory(SQLAlchemyModelFactory):
    class Meta:
        model = Author
        sqlalchemy_session = Session
        sqlalchemy_session_persistence = "commit"

    name = factory.Sequence(lambda n: f"author {n}")


class BookFactory(SQLAlchemyModelFactory):
    class Meta:
        model = Book
        sqlalchemy_session = Session
        sqlalchemy_session_persistence = "commit"

    title = factory.Sequence(lambda n: f"book {n}")
    author = factory.SubFactory(AuthorFactory)
"""


INI = """
[pytest]
hermetic_app = models:app
pythonpath = .
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = session
"""


def library(project: Project, *, sync: str, asynchronous: str) -> Project:
    """Fill a project that makes its objects as factory_boy's documentation does."""
    models = MODELS.replace("ASYNC", asynchronous).replace("SYNC", sync)
    return project.write(pytest_ini=INI, models_py=models, factories_py=FACTORIES)


@pytest.fixture
def shop(empty_project: Project) -> Project:
    """Such a project."""
    return library(empty_project, sync=SYNC, asynchronous=ASYNC)


def test_factories_with_a_scoped_session(shop: Project) -> None:
    """Each test gets the objects that it made, by the ids that start again, and those of a module fixture with it."""
    shop.write(
        test_a_py="""
            import pytest
            from factories import AuthorFactory, BookFactory
            from models import Author, Book, Session

            @pytest.fixture(autouse=True)
            def rolled_back():
                yield
                Session.rollback()

            @pytest.fixture(scope="module")
            def author():
                return AuthorFactory(name="of the module")

            @pytest.mark.parametrize("number", range(3))
            async def test_own(number, async_client):
                book = BookFactory(title=f"book {number}", author__name=f"author {number}")
                assert (book.id, book.author.id) == (1, 1)
                assert Session.get(Book, 1) is book
                expected = {"title": f"book {number}", "author": f"author {number}"}
                assert {"title": book.title, "author": book.author.name} == expected

            @pytest.mark.parametrize("number", range(3))
            def test_shared(author, number):
                assert author in Session
                assert author.name == "of the module" and author.books == []
                assert [each.id for each in Session.query(Author)] == [author.id]
                author.name = f"renamed {number}"
                book = BookFactory(author=author)
                assert (book.id, author.books) == (1, [book])
                Session.commit()

            def test_deleted(author):
                Session.delete(author)
                Session.commit()
                assert Session.query(Author).count() == 0

            def test_after(author):
                assert author in Session and author.name == "of the module"
            """,
        test_b_py="""
            from models import Author, Session

            def test_gone():
                assert not list(Session)
                assert Session.get(Author, 1) is None
                Session.rollback()
            """,
    )
    result = shop.pytest()
    assert result.outcomes() == {"passed": 9}, result.output


def test_what_was_never_flushed(shop: Project) -> None:
    """Nor does the next test's commit write what the last one left undone."""
    shop.write(
        test_a_py="""
            import pytest
            from factories import AuthorFactory
            from models import Author, Session

            @pytest.fixture(scope="module")
            def author():
                return AuthorFactory(name="of the module")

            def test_leaves(author):
                assert author.name == "of the module"
                Session.commit()
                Session.add(Author(name="added"))
                author.name = "renamed"

            def test_commits(author):
                assert not Session.new and not Session.dirty
                Session.commit()
                assert Session.query(Author.name).all() == [("of the module",)]
                Session.rollback()

            def test_deletes(author):
                Session.delete(author)

            def test_keeps(author):
                assert not Session.deleted
                Session.commit()
                assert Session.query(Author).count() == 1
                Session.rollback()
            """,
    )
    result = shop.pytest("-p", "no:randomly")
    assert result.outcomes() == {"passed": 4}, result.output


def test_an_async_session_of_the_whole_run(shop: Project) -> None:
    """Objects of wider fixtures are as they were loaded, and can be read without a database; a test's are gone."""
    shop.write(
        conftest_py="""
            import pytest_asyncio
            from sqlalchemy.ext.asyncio import AsyncSession

            from models import Author, Book, async_engine

            @pytest_asyncio.fixture(scope="session")
            async def session():
                async with AsyncSession(async_engine, expire_on_commit=False) as session:
                    yield session

            @pytest_asyncio.fixture(scope="module")
            async def author(session):
                author = Author(name="of the module", books=[Book(title="first")])
                session.add(author)
                await session.commit()
                return author
            """,
        test_a_py="""
            import pytest
            from models import Author, Book

            @pytest.mark.parametrize("number", range(3))
            async def test_changes(session, author, number):
                assert author in session
                assert author.name == "of the module" and [book.title for book in author.books] == ["first"]
                author.name = f"renamed {number}"
                author.books.append(Book(title=f"book {number}"))
                other = Author(name=f"author {number}", books=[])
                session.add(other)
                await session.commit()
                assert (await session.get(Author, 2)) is other
                assert (await session.get(Book, 2)).title == f"book {number}"

            async def test_expires(session, author):
                session.expire(author)
                await session.refresh(author, ["name"])
                await session.delete(author)
                await session.commit()

            async def test_reads(session, author):
                assert author in session
                assert [book.title for book in author.books] == ["first"]
                assert author.books[0].author is author
                assert author.books[0] in session
                await session.refresh(author)
                assert author.name == "of the module"
                await session.rollback()
            """,
        test_b_py="""
            from models import Author

            async def test_gone(session):
                assert not list(session)
                assert await session.get(Author, 1) is None
                await session.rollback()
            """,
    )
    result = shop.pytest()
    assert result.outcomes() == {"passed": 6}, result.output
