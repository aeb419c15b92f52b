from httpx import ASGITransport, AsyncClient

from books.api import api


async def test_no_authors():
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        assert (await client.get("/authors")).json() == []
