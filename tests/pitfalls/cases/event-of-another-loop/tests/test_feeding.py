import pytest
from httpx import ASGITransport, AsyncClient

from feeding import app


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
        yield client


async def test_bone(client):
    assert (await client.post("/meals?what=bone")).json() == {"eaten": "bone"}


async def test_fish(client):
    assert (await client.post("/meals?what=fish")).json() == {"eaten": "fish"}
