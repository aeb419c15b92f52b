from httpx import ASGITransport, AsyncClient

from main import app


async def test_no_pets():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
        assert (await client.get("/pets")).json() == []
