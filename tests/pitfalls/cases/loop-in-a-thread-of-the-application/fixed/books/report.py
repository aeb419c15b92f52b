from sqlalchemy import func, select

from books.api import api
from books.database import Session
from books.tables import Author


async def count():
    async with Session() as session:
        return await session.scalar(select(func.count(Author.id)))


@api.get("/report")
async def report():
    return {"authors": await count()}
