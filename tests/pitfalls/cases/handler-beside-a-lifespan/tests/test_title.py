import httpx

from books.api import api


async def test_title():
    transport = httpx.ASGITransport(api)
    async with (
        api.router.lifespan_context(api),
        httpx.AsyncClient(transport=transport, base_url="http://books") as http,
    ):
        assert (await http.get("/title")).json() == "Books"
