import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy import select, update

from books.api import Database, api
from books.database import Base, Session, engine
from books.tables import Author


@api.put("/authors/{author_id}/name")
async def rename(author_id: int, name: str, database: Database):
    await database.execute(update(Author).where(Author.id == author_id).values(name=name))
    await database.commit()


@pytest.fixture
async def session():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with Session() as session:
        yield session
    await engine.dispose()


async def test_rename(session):
    session.add(Author(name="Old"))
    await session.commit()
    author = await session.scalar(select(Author))
    await session.commit()
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        response = await client.put(f"/authors/{author.id}/name", params={"name": "New"})
        assert response.status_code == 200
    author = await session.scalar(select(Author))
    assert author.name == "New"
