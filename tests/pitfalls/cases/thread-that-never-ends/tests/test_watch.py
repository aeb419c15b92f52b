from httpx import ASGITransport, AsyncClient

from watcher import app


async def test_watch():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
        assert (await client.post("/watch")).json() == "watching"
