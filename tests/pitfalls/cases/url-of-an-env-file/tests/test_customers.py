import pytest
from httpx import ASGITransport, AsyncClient

from orders.application import create_app


@pytest.fixture
async def client():
    app = create_app()
    async with app.router.lifespan_context(app):
        async with AsyncClient(transport=ASGITransport(app), base_url="http://orders") as client:
            yield client


async def test_none(client):
    assert (await client.get("/customers")).json() == []
