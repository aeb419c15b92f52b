from books.api import Database, api
from books.tables import Author


@api.post("/shelves", status_code=201)
async def fill_shelf(name: str, database: Database):
    author = Author(name=name)
    database.add(author)
    await database.commit()
    return author.id
