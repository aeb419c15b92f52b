import pytest
from httpx import ASGITransport, AsyncClient

from audit import Base, app, engine


@pytest.fixture(autouse=True)
async def tables():
    async with engine.begin() as conn:
        await conn.run_sync(Base.metadata.create_all)


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://t") as c:
        yield c
