import pytest
from httpx2 import ASGITransport, AsyncClient

from books.api import api


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client
