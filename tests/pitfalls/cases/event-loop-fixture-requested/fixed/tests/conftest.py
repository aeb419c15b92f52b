import httpx
import pytest

from books.api import api
from books.database import Base, engine


@pytest.fixture
async def prepared():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


@pytest.fixture
async def http(prepared):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://books") as http:
        yield http
