import pytest
from httpx import ASGITransport, AsyncClient

from main import app


@pytest.fixture
async def token():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://t") as c:
        return (await c.get("/")).json()
