import httpx
import pytest_asyncio

from books.api import api
from books.database import Base, Session, engine


@pytest_asyncio.fixture
async def session():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with Session() as session:
        yield session
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
    await engine.dispose()


@pytest_asyncio.fixture
async def http():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://books") as http:
        yield http
