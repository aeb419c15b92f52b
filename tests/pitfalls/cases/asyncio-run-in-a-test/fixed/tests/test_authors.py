import httpx
from seeding import seed

from books.api import api
from books.database import engine


async def test_list():
    await seed("Borges", "Calvino")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://books") as client:
        assert (await client.get("/authors")).json() == ["Borges", "Calvino"]
    await engine.dispose()
