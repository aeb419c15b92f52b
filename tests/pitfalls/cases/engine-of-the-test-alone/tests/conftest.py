import httpx
import pytest_asyncio
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from books.api import api
from books.database import Base

engine = create_async_engine("sqlite+aiosqlite:///./test.db")
Session = async_sessionmaker(engine, expire_on_commit=False)


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
