import pytest
from httpx import ASGITransport, AsyncClient

from main import app


@app.get("/average")
async def average(of: int):
    return 10 / of


@pytest.fixture
async def client():
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://pets") as client:
        yield client


async def test_bug_is_a_500(client):
    response = await client.get("/average", params={"of": 0})
    assert response.status_code == 500
