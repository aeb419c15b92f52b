from books.database import Session
from books.tables import Author


async def test_show(http):
    async with Session() as session:
        author = Author(name="Gogol")
        session.add(author)
        await session.commit()
    answer = await http.get(f"/authors/{author.id}")
    assert answer.status_code == 200
