import asyncio

import pytest

from books.database import Base, Session, engine
from books.tables import Author


@pytest.fixture
async def session():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with Session() as session:
        yield session
    await engine.dispose()


async def add(session, name):
    session.add(Author(name=name))
    await session.commit()


async def test_seeding(session):
    await asyncio.gather(*(add(session, name) for name in "abc"))
