import httpx

from books.api import api


async def test_none(http):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api)) as client:
        assert (await client.get("/authors")).json() == []
