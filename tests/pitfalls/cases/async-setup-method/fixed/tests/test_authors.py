import pytest
from httpx2 import ASGITransport, AsyncClient

from books.api import api


class TestAuthors:
    @pytest.fixture(autouse=True)
    async def http(self):
        async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as self.http:
            yield

    async def test_empty(self):
        assert (await self.http.get("/authors")).json() == []
