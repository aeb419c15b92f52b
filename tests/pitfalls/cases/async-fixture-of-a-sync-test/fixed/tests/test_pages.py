import httpx
import pytest

from books.api import api


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def page():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://books") as client:
        return (await client.get("/openapi.json")).json()


@pytest.mark.anyio
async def test_page(page):
    assert "/authors" in page["paths"]
