import asyncio

from fastapi import FastAPI

from books.database import Session
from books.tables import Author

api = FastAPI()
running = set()


async def store(name):
    async with Session() as session:
        session.add(Author(name=name))
        await session.commit()


@api.post("/authors", status_code=202)
async def announce(name: str):
    task = asyncio.create_task(store(name))
    running.add(task)
    task.add_done_callback(running.discard)
