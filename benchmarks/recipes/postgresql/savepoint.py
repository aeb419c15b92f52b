"""Everybody's recipe: one connection for test and application, an outer transaction that is rolled back."""

import os

import httpx2
import pytest
from httpx2 import ASGITransport
from shop import Base, app, get_session
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


@pytest.fixture(scope="session")
async def engine():
    engine = create_async_engine(os.environ["DATABASE_URL"])

    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    yield engine
    await engine.dispose()


@pytest.fixture
async def connection(engine):
    async with engine.connect() as connection:
        transaction = await connection.begin()
        yield connection
        await transaction.rollback()


def session_on(connection):
    return AsyncSession(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")


@pytest.fixture
async def async_test_db(connection):
    async with session_on(connection) as session:
        yield session


@pytest.fixture
async def async_client(connection):
    async def override():
        async with session_on(connection) as session:
            yield session

    app.dependency_overrides[get_session] = override
    transport = ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client
    app.dependency_overrides.clear()
