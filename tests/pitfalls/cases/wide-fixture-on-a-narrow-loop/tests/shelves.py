import pytest_asyncio

from books.database import Base, Session, engine
from books.tables import Author


@pytest_asyncio.fixture(scope="module")
async def library():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with Session() as session:
        session.add(Author(name="Dante"))
        await session.commit()
    yield Session
    await engine.dispose()
