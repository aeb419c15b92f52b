import asyncio

import pytest

from books.database import Base, Session, engine
from books.tables import Author


@pytest.fixture
async def database():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


async def add(name):
    async with Session() as session:
        session.add(Author(name=name))
        await session.commit()


async def test_seeding(database):
    await asyncio.gather(*(add(name) for name in "abc"))
