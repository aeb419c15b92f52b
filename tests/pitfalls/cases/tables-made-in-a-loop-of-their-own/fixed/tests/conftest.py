import asyncio

import pytest

from books.database import Base, engine


async def create():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


@pytest.fixture(scope="session", autouse=True)
def schema():
    loop = asyncio.new_event_loop()
    loop.run_until_complete(create())
    loop.close()
