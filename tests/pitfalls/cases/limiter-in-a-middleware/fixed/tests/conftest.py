import httpx
import pytest

from books.throttled import create_throttled


@pytest.fixture
async def http():
    transport = httpx.ASGITransport(create_throttled())
    async with httpx.AsyncClient(transport=transport, base_url="http://books") as http:
        yield http
