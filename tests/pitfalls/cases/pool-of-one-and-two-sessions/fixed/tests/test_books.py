from sqlalchemy import select

from books.database import Session
from books.tables import Author


async def test_author_is_listed(http):
    async with Session() as session:
        session.add(Author(name="Gogol"))
        await session.commit()
        author = await session.scalar(select(Author))
    assert (await http.get(f"/authors/{author.id}")).json()["name"] == "Gogol"
