import pytest
from httpx import ASGITransport, AsyncClient

from doors import app


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
        yield client


@pytest.fixture
def maintenance():
    app.state.maintenance = True
    yield
    app.state.maintenance = False


async def test_maintenance(client, maintenance):
    assert (await client.get("/door")).status_code == 503


async def test_open(client):
    assert (await client.get("/door")).status_code == 200
