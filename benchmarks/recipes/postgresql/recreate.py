"""One engine for all tests; every table is dropped and made for each test."""

import os

import httpx2
import pytest
from httpx2 import ASGITransport
from shop import Base, app, get_session
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine


@pytest.fixture(scope="session")
async def engine():
    engine = create_async_engine(os.environ["DATABASE_URL"])
    yield engine
    await engine.dispose()


@pytest.fixture
async def sessions(engine):
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    yield async_sessionmaker(engine, expire_on_commit=False)


@pytest.fixture
async def async_test_db(sessions):
    async with sessions() as session:
        yield session


@pytest.fixture
async def async_client(sessions):
    async def override():
        async with sessions() as session:
            yield session

    app.dependency_overrides[get_session] = override
    transport = ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client
    app.dependency_overrides.clear()
