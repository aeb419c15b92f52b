import httpx
import pytest

from orders.application import create_app


@pytest.fixture
def client():
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app()), base_url="http://orders")


async def test_no_customers(client):
    async with client:
        assert (await client.get("/customers")).json() == []
