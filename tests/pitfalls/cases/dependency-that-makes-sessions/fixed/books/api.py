from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import select

from books.database import get_session
from books.tables import Author

api = FastAPI()


@api.get("/authors")
async def authors(session=Depends(get_session)):
    return (await session.scalars(select(Author.name))).all()
