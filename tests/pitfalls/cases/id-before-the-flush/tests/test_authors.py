from books.database import Session
from books.tables import Author


async def test_show(http):
    async with Session() as session:
        author = Author(name="Gogol")
        session.add(author)
        answer = await http.get(f"/authors/{author.id}")
        await session.commit()
    assert answer.status_code == 200
