import asyncio

from books.api import NewAuthor, api
from books.database import Session
from books.tables import Author

tasks = set()


async def remember(name):
    async with Session() as session:
        session.add(Author(name=name.strip().capitalise()))
        await session.commit()


@api.post("/remember", status_code=202)
async def start(new: NewAuthor):
    task = asyncio.create_task(remember(new.name))
    tasks.add(task)
