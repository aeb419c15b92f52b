import pytest
from sqlalchemy import select

from books.database import Base, Session, engine
from books.tables import Author, Book


@pytest.fixture(autouse=True)
async def database():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with Session() as session:
        session.add(Author(name="Ursula", books=[Book(title="The Dispossessed")]))
        await session.commit()
    yield
    await engine.dispose()


async def test_titles():
    async with Session() as session:
        author = await session.scalar(select(Author))
        assert [book.title for book in author.books] == ["The Dispossessed"]
