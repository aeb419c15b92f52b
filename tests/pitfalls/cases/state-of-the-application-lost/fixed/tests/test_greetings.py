import pytest
from httpx import ASGITransport, AsyncClient

from greetings import app


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
        yield client


@pytest.fixture
def woof():
    before = app.state.greeting
    app.state.greeting = "Woof"
    yield
    app.state.greeting = before


async def test_changed(client, woof):
    assert (await client.get("/greeting")).json() == "Woof"


async def test_usual(client):
    assert (await client.get("/greeting")).json() == "Hello"
