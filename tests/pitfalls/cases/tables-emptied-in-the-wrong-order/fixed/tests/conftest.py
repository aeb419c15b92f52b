import httpx
import pytest
from sqlalchemy import delete

from books.api import api
from books.database import Base, Session, engine
from books.tables import Author, Book


@pytest.fixture(scope="session", autouse=True)
async def tables():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


@pytest.fixture(autouse=True)
async def clean():
    yield
    async with Session() as session:
        for table in (Book, Author):
            await session.execute(delete(table))
        await session.commit()


@pytest.fixture
async def http():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://books") as http:
        yield http
