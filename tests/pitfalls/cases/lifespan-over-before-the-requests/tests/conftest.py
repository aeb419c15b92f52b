import httpx
import pytest
from asgi_lifespan import LifespanManager

from orders.application import create_app


@pytest.fixture
async def http():
    async with LifespanManager(create_app()) as manager:
        transport = httpx.ASGITransport(app=manager.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://orders") as http:
        yield http
