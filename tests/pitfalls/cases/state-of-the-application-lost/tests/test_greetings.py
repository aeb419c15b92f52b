import pytest
from httpx import ASGITransport, AsyncClient

from greetings import app


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
        yield client


async def test_changed(client, monkeypatch):
    monkeypatch.setattr(app.state, "greeting", "Woof")
    assert (await client.get("/greeting")).json() == "Woof"


async def test_usual(client):
    assert (await client.get("/greeting")).json() == "Hello"
