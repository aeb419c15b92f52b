import httpx
import pytest

from books.api import api


@pytest.fixture
async def client():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://books") as client:
        yield client


async def test_docs(client):
    assert (await client.get("/docs")).status_code == 200


async def test_schema(client):
    assert (await client.get("/openapi.json")).status_code == 200
