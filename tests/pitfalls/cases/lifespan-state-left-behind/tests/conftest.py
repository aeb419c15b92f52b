import pytest
from asgi_lifespan import LifespanManager
from httpx import ASGITransport, AsyncClient

from service import service


@pytest.fixture
async def manager():
    async with LifespanManager(service) as manager:
        yield manager


@pytest.fixture
async def api(manager):
    async with AsyncClient(transport=ASGITransport(service), base_url="http://service") as api:
        yield api
