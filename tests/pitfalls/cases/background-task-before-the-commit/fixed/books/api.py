from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from books.database import Session
from books.tables import Author

api = FastAPI()


async def committing():
    async with Session() as session:
        yield session
        await session.commit()


async def praise(author_id):
    async with Session() as session:
        author = await session.get(Author, author_id)
        author.name = f"Great {author.name}"
        await session.commit()


@api.post("/authors", status_code=201)
async def add(name: str, session: Annotated[AsyncSession, Depends(committing)], background: BackgroundTasks):
    author = Author(name=name)
    session.add(author)
    await session.commit()
    background.add_task(praise, author.id)
    return author.id
