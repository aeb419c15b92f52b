import httpx
import pytest
import pytest_asyncio

from books.api import api
from books.database import Base, engine

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(autouse=True)
async def fresh_tables():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)


def client():
    return httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://books")


async def test_add():
    async with client() as http:
        assert (await http.post("/authors", json={"name": "Joyce"})).status_code == 201


async def test_add_again():
    async with client() as http:
        assert (await http.post("/authors", json={"name": "Joyce"})).status_code == 201
