import httpx
from seeding import seed

from books.api import api


async def test_list():
    seed("Borges", "Calvino")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://books") as client:
        assert (await client.get("/authors")).json() == ["Borges", "Calvino"]
