import pytest
from sqlalchemy import select

from books.tables import Author


@pytest.mark.parametrize("attempt", [1, 2])
async def test_authors(client, reader, attempt):
    assert (await client.get("/authors")).json() == ["Aesop", "Grimm"]
    assert (await reader.scalars(select(Author.name).order_by(Author.id))).all() == ["Aesop", "Grimm"]


async def test_now(client, ticking):
    assert not ticking.done()
    assert (await client.get("/now")).json() == {"now": "noon", "language": "de"}
