from sqlalchemy import JSON
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column

from books.api import Database, api
from books.database import Base


class Shelf(Base):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    tags: Mapped[list[str]] = mapped_column(MutableList.as_mutable(JSON), default=list)


@api.post("/shelves", status_code=201)
async def new_shelf(database: Database):
    shelf = Shelf(tags=[])
    database.add(shelf)
    await database.commit()
    return {"id": shelf.id}


@api.post("/shelves/{number}/tags/{tag}")
async def tag_shelf(number: int, tag: str, database: Database):
    shelf = await database.get_one(Shelf, number)
    shelf.tags.append(tag)
    await database.commit()
    return {"tags": shelf.tags}


@api.get("/shelves/{number}")
async def show_shelf(number: int, database: Database):
    shelf = await database.get_one(Shelf, number)
    return {"tags": shelf.tags}
