import asyncio

from books.api import api
from books.database import Session
from books.tables import Author

tasks = set()


async def deliver(name):
    await asyncio.sleep(0.1)
    async with Session() as session:
        session.add(Author(name=name))
        await session.commit()


@api.post("/letters", status_code=202)
async def letter(to: str):
    task = asyncio.create_task(deliver(to))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
