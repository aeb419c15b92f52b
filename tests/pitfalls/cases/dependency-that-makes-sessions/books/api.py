from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import select

from books.database import Session
from books.tables import Author

api = FastAPI()


@api.get("/authors")
async def authors(session=Depends(Session)):
    return (await session.scalars(select(Author.name))).all()
