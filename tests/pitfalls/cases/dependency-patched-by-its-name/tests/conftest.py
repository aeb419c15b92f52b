import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from books.api import api
from books.database import Base


@pytest.fixture
async def client(monkeypatch, tmp_path):
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/books.db")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)

    async def fake():
        async with async_sessionmaker(engine)() as session:
            yield session

    monkeypatch.setattr("books.database.get_session", fake)
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client
    await engine.dispose()
