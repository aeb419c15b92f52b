from books.api import Database, api
from books.tables import Author


@api.post("/batch", status_code=201)
async def batch(names: list[str], database: Database):
    async with database.begin():
        database.add_all(Author(name=name) for name in names)
