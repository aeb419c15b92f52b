import httpx
import pytest

from books.api import api

pytestmark = pytest.mark.anyio


async def test_books():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://books") as client:
        assert (await client.get("/authors/1/books")).json() == []
