import pytest
from asgi_lifespan import LifespanManager
from httpx import ASGITransport, AsyncClient

from service import service


@pytest.fixture
async def application():
    async with LifespanManager(service) as manager:
        yield manager.app


@pytest.fixture
async def anonymous(application):
    async with AsyncClient(transport=ASGITransport(application), base_url="http://service") as client:
        yield client


@pytest.fixture
async def administrator(application):
    async with AsyncClient(
        transport=ASGITransport(application), base_url="http://service", headers={"x-user": "root"}
    ) as client:
        yield client
