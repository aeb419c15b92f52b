import httpx
import pytest

from books.api import api
from books.database import Base, Session, engine
from books.tables import Author


@pytest.fixture
async def session():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with Session() as session:
        yield session
    await engine.dispose()


async def test_show(session):
    author = Author(name="Tolstoy")
    session.add(author)
    await session.commit()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://books") as client:
        response = await client.get(f"/authors/{author.id}")
    assert response.status_code == 200
