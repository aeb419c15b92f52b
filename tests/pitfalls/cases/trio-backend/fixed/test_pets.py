import pytest
from httpx import ASGITransport, AsyncClient

from main import app, lifespan


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.mark.anyio
async def test_no_pets():
    async with lifespan(app):
        async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
            response = await client.get("/pets")
            assert response.json() == []
