import pytest
from alembic import command
from alembic.config import Config
from httpx import ASGITransport, AsyncClient

from shop.main import app


@pytest.fixture(scope="session", autouse=True)
def migrated():
    command.upgrade(Config("alembic.ini"), "head")


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://shop") as c:
        yield c
