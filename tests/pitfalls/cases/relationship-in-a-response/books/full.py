from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from books.api import Database, api
from books.tables import Author


class Title(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    title: str


class FullAuthor(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str
    books: list[Title]


@api.get("/full", response_model=list[FullAuthor])
async def full(database: Database):
    return (await database.scalars(select(Author))).all()
