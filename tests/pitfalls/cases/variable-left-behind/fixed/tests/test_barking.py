import pytest
from httpx import ASGITransport, AsyncClient

from barking import app


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
        yield client


async def test_french(client, monkeypatch):
    monkeypatch.setenv("LANGUAGE_OF_PETS", "fr")
    assert (await client.get("/bark")).json() == "ouah"


async def test_english(client):
    assert (await client.get("/bark")).json() == "woof"
