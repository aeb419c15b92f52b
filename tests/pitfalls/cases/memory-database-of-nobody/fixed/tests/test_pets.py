import pytest
from fastapi.testclient import TestClient
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from main import app, db


@pytest.fixture
def client(tmp_path):
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'pets.db'}")

    async def with_tables():
        async with engine.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all)
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield session
        await engine.dispose()

    app.dependency_overrides[db] = with_tables
    yield TestClient(app)
    app.dependency_overrides.clear()


def test_no_pets(client):
    assert client.get("/pets").json() == []
