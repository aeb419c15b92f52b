from books.database import Session
from books.tables import Author


async def test_listed(http):
    async with Session() as session:
        await session.add(Author(name="Ursula"))
        await session.commit()
    assert (await http.get("/authors")).json() == ["Ursula"]
