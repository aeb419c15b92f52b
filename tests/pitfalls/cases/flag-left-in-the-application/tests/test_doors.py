import pytest
from httpx import ASGITransport, AsyncClient

from doors import app


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
        yield client


async def test_maintenance(client):
    app.state.maintenance = True
    assert (await client.get("/door")).status_code == 503


async def test_open(client):
    assert (await client.get("/door")).status_code == 200
