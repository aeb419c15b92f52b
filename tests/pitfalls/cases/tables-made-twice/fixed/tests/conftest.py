import pytest

from books.database import Base, engine


@pytest.fixture(scope="session", autouse=True)
async def created():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()
