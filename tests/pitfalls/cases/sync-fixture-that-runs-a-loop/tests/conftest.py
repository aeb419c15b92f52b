import asyncio

import pytest
from httpx import ASGITransport, AsyncClient

from main import app


@pytest.fixture
def token():
    async def login():
        async with AsyncClient(transport=ASGITransport(app), base_url="http://t") as c:
            return (await c.get("/")).json()

    return asyncio.get_event_loop().run_until_complete(login())
