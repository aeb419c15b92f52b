import pytest
from fastapi.testclient import TestClient

from books.api import api
from books.database import Base, Session, engine, get_session


@pytest.fixture
async def pg_session():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with Session() as session:
        yield session
    await engine.dispose()


@pytest.fixture
def client(pg_session):
    async def same_session():
        yield pg_session

    api.dependency_overrides[get_session] = same_session
    yield TestClient(api)
    api.dependency_overrides = {}
