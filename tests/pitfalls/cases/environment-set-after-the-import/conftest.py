import pytest
from httpx import ASGITransport, AsyncClient

from books.api import api
from books.database import Base, engine


@pytest.fixture(autouse=True)
def own_database(monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/only-for-tests.db")


@pytest.fixture
async def client():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client
    await engine.dispose()
