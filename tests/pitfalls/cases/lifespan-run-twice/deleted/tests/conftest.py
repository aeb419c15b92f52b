import pytest
from httpx2 import ASGITransport, AsyncClient


@pytest.fixture
def anonymous(async_client):
    return async_client


@pytest.fixture
async def administrator(async_client):
    async with AsyncClient(
        transport=ASGITransport(async_client.app), base_url="http://service", headers={"x-user": "root"}
    ) as client:
        yield client
