from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from books.database import get_session
from books.tables import Author

api = FastAPI()
Database = Annotated[AsyncSession, Depends(get_session)]


@api.put("/shelf/{author_id}")
async def put(author_id: int, name: str, database: Database):
    await database.merge(Author(id=author_id, name=name))
    await database.commit()


@api.get("/shelf")
async def shelf(database: Database):
    return [author.name for author in await database.scalars(select(Author))]
