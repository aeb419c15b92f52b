import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from books.database import Base, engine


@pytest.fixture(scope="session")
async def own_engine():
    admin = create_async_engine(engine.url, isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text("DROP DATABASE IF EXISTS library_test"))
        await connection.execute(text("CREATE DATABASE library_test"))
    own = create_async_engine(engine.url.set(database="library_test"))
    async with own.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield own
    async with admin.connect() as connection:
        await connection.execute(text("DROP DATABASE library_test"))
    await admin.dispose()


@pytest.fixture
async def session(own_engine):
    async with AsyncSession(own_engine) as session:
        yield session
