import pytest
from httpx import ASGITransport, AsyncClient

from books.api import api
from books.database import Base, Session, engine, get_session


@pytest.fixture(scope="session")
async def schema():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


@pytest.fixture
async def client(schema):
    async with Session() as session:

        async def handed_over():
            yield session

        api.dependency_overrides[get_session] = handed_over
        async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
            yield client
        del api.dependency_overrides[get_session]
        await session.rollback()
