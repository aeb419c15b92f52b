import pytest_asyncio
from httpx import ASGITransport, AsyncClient

from main import app, lifespan


@pytest_asyncio.fixture
async def ac():
    async with lifespan(app):
        async with AsyncClient(transport=ASGITransport(app=app), base_url="http://test") as ac:
            yield ac
