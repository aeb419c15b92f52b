import asyncio

from books.database import Base, Session, engine
from books.tables import Author


async def _insert(names):
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with Session() as session:
        session.add_all(Author(name=name) for name in names)
        await session.commit()


def seed(*names):
    asyncio.run(_insert(names))
