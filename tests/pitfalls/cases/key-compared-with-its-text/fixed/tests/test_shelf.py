from books.database import Session
from books.tables import Shelf


async def test_shelf(http):
    shelf = Shelf()
    async with Session() as session:
        session.add(shelf)
        await session.commit()
    assert (await http.get("/shelves")).json() == [{"id": str(shelf.id)}]
