from httpx2 import ASGITransport, AsyncClient

from books.api import api


class TestAuthors:
    async def setup_method(self):
        self.http = AsyncClient(transport=ASGITransport(api), base_url="http://books")

    async def test_empty(self):
        assert (await self.http.get("/authors")).json() == []
