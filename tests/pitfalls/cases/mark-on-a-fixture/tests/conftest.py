import httpx
import pytest
import pytest_asyncio

from books.api import api
from books.database import Base, engine


@pytest.mark.asyncio(loop_scope="session")
@pytest_asyncio.fixture
async def http():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://books") as http:
        yield http
    await engine.dispose()
