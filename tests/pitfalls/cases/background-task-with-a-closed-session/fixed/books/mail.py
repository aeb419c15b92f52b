from fastapi import BackgroundTasks
from sqlalchemy import select

from books.api import api
from books.database import Session
from books.tables import Book

sent = []


async def mail(author_id):
    async with Session() as session:
        sent.append((await session.scalars(select(Book.title).where(Book.author_id == author_id))).all())


@api.post("/mail/{author_id}", status_code=202)
async def send(author_id: int, tasks: BackgroundTasks):
    tasks.add_task(mail, author_id)
