import pytest
from httpx import ASGITransport, AsyncClient

from orders.config import get_settings
from orders.prices import app


@pytest.fixture
def dollars(monkeypatch):
    monkeypatch.setenv("CURRENCY", "USD")
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


async def test_dollars(dollars):
    async with AsyncClient(transport=ASGITransport(app), base_url="http://orders") as client:
        assert (await client.get("/currency")).json() == "USD"
