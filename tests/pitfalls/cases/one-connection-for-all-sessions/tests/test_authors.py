from sqlalchemy import select

from books.tables import Author


async def test_pending_author_is_kept(client, sessions):
    async with sessions() as session:
        session.add(Author(name="Proust"))
        await session.flush()
        assert (await client.get("/authors/99")).status_code == 404
        await session.commit()
        assert (await session.scalars(select(Author.name))).all() == ["Proust"]
