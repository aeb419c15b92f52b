from fastapi import FastAPI
from sqlalchemy import select

from books.database import Session
from books.tables import Shelf

api = FastAPI()


@api.get("/shelves")
async def shelves():
    async with Session() as session:
        return (await session.scalars(select(Shelf.id))).all()
