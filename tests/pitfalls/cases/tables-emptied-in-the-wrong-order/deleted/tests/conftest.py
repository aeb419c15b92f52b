import httpx
import pytest

from books.api import api


@pytest.fixture
async def http():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://books") as http:
        yield http
