from books.api import Database, api
from books.tables import Author


@api.post("/drafts", status_code=201)
async def draft(name: str, database: Database):
    database.add(Author(name=name))
    await database.commit()
