import pytest
from alembic import command
from alembic.config import Config
from httpx import ASGITransport, AsyncClient

from books.api import api
from books.database import engine


@pytest.fixture(scope="session", autouse=True)
def migrated():
    config = Config("alembic.ini")
    command.upgrade(config, "head")
    yield
    command.downgrade(config, "base")


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client
    await engine.dispose()
