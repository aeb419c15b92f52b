from books.database import Session
from books.tables import Author


async def test_add(http):
    async with Session() as session:
        session.add(Author(name="Gogol"))
        await session.commit()
    assert (await http.post("/authors", json={"name": "Babel"})).status_code == 201
