import pytest
from httpx import ASGITransport, AsyncClient

from books.batch import api


@pytest.fixture
def shared(async_db_session):
    return async_db_session


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client
