import pytest
from asgi_lifespan import LifespanManager
from httpx import ASGITransport, AsyncClient

from service import service


@pytest.fixture
async def anonymous():
    async with LifespanManager(service) as manager:
        async with AsyncClient(transport=ASGITransport(manager.app), base_url="http://service") as client:
            yield client


@pytest.fixture
async def administrator():
    async with LifespanManager(service) as manager:
        async with AsyncClient(
            transport=ASGITransport(manager.app), base_url="http://service", headers={"x-user": "root"}
        ) as client:
            yield client
