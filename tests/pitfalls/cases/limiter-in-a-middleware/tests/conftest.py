import httpx
import pytest

from books.throttled import throttled


@pytest.fixture
async def http():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(throttled), base_url="http://books") as http:
        yield http
