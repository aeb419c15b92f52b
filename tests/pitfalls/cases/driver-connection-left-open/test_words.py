import httpx
import pytest

from words import app


@pytest.fixture
async def client():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://words") as client:
        yield client


async def test_no_words(client):
    assert (await client.get("/words")).json() == []
