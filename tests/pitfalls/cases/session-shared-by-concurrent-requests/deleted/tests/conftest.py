import pytest
from httpx import ASGITransport, AsyncClient

from main import app, lifespan


@pytest.fixture
async def client():
    async with lifespan(app):
        async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
            yield client
