import httpx

from books.api import api

client = httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://books")


async def test_docs():
    async with client:
        assert (await client.get("/docs")).status_code == 200


async def test_schema():
    async with client:
        assert (await client.get("/openapi.json")).status_code == 200
