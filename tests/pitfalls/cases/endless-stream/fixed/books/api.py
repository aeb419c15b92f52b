from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from books.database import get_session
from books.tables import Author, Book

api = FastAPI()
Database = Annotated[AsyncSession, Depends(get_session)]


class NewAuthor(BaseModel):
    name: str


class NewBook(BaseModel):
    title: str
    author_id: int


@api.get("/authors")
async def list_authors(database: Database):
    return [author.name for author in await database.scalars(select(Author).order_by(Author.id))]


@api.post("/authors", status_code=201)
async def add_author(new: NewAuthor, database: Database):
    author = Author(name=new.name)
    database.add(author)
    try:
        await database.commit()
    except IntegrityError:
        await database.rollback()
        raise HTTPException(409, "there is an author of that name") from None
    return {"id": author.id, "name": author.name}


@api.get("/authors/{author_id}")
async def show_author(author_id: int, database: Database):
    author = await database.get(Author, author_id)
    if author is None:
        raise HTTPException(404, "no such author")
    return {"id": author.id, "name": author.name}


@api.post("/books", status_code=201)
async def add_book(new: NewBook, database: Database):
    book = Book(title=new.title, author_id=new.author_id)
    database.add(book)
    await database.commit()
    return {"id": book.id, "title": book.title}


@api.get("/authors/{author_id}/books")
async def list_books(author_id: int, database: Database):
    books = await database.scalars(select(Book).where(Book.author_id == author_id).order_by(Book.id))
    return [book.title for book in books]


import asyncio

from fastapi.responses import StreamingResponse


async def ticks(most):
    number = 0
    while most is None or number < most:
        yield f"data: {number}\n\n"
        number += 1
        await asyncio.sleep(0.01)


@api.get("/ticks")
async def stream(most: int | None = None):
    return StreamingResponse(ticks(most), media_type="text/event-stream")
