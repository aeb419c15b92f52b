from httpx import ASGITransport, AsyncClient

from slow import app


async def test_slow():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
        assert (await client.get("/slow")).json() == "done"
