import asyncio
import sys

from books.database import Session, engine
from books.tables import Author


async def add(name):
    async with Session() as session:
        session.add(Author(name=name))
        await session.commit()
    await engine.dispose()


asyncio.run(add(sys.argv[1]))
