import pytest

from books.database import Base, engine


@pytest.fixture(scope="session", autouse=True)
def database_file(tmp_path_factory):
    import asyncio

    async def create():
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)
            await connection.run_sync(Base.metadata.create_all)
        await engine.dispose()

    asyncio.run(create())
