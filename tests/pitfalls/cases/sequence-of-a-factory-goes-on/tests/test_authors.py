from books.database import Session

from .factories import AuthorFactory


async def test_one(http):
    async with Session() as session:
        session.add(AuthorFactory())
        await session.commit()
    assert len((await http.get("/authors")).json()) == 1


async def test_name(http):
    async with Session() as session:
        session.add(AuthorFactory())
        await session.commit()
    assert (await http.get("/authors")).json()[0] == "author0"
