from httpx import ASGITransport, AsyncClient

from orders.prices import app


async def test_dollars(monkeypatch):
    monkeypatch.setenv("CURRENCY", "USD")
    async with AsyncClient(transport=ASGITransport(app), base_url="http://orders") as client:
        assert (await client.get("/currency")).json() == "USD"
