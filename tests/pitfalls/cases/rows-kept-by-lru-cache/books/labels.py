from functools import lru_cache

from sqlalchemy import create_engine, text

from books.api import api
from books.database import engine

sync = create_engine(engine.url.set(drivername="sqlite"))


@lru_cache(maxsize=None)
def label(author_id):
    with sync.connect() as connection:
        name = connection.scalar(text("SELECT name FROM authors WHERE id = :id"), {"id": author_id})
    return f"Author {author_id}: {name}"


@api.get("/labels/{author_id}")
async def show_label(author_id: int):
    return label(author_id)
