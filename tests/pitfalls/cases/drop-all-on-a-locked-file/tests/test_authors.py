from sqlalchemy import select

from books.tables import Author


async def test_pending(schema, writer):
    writer.add(Author(name="Chekhov"))
    await writer.flush()
    assert (await writer.scalars(select(Author.name))).all() == ["Chekhov"]
