from books.api import api
from books.database import Session
from books.tables import Author


async def deliver(name):
    async with Session() as session:
        session.add(Author(name=name))
        await session.commit()


@api.post("/letters", status_code=202)
async def letter(to: str):
    await deliver(to)
