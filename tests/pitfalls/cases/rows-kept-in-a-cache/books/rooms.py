from books.api import Database, api
from books.tables import Author

_rooms: dict[int, str] = {}


@api.get("/rooms/{author_id}")
async def room(author_id: int, database: Database):
    if author_id not in _rooms:
        author = await database.get(Author, author_id)
        _rooms[author_id] = author.name
    return _rooms[author_id]
