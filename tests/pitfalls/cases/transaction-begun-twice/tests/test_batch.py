from sqlalchemy import func, select

from books.tables import Author


async def test_batch(client, shared):
    assert await shared.scalar(select(func.count(Author.id))) == 0
    assert (await client.post("/batch", json=["A", "B"])).status_code == 201
    assert await shared.scalar(select(func.count(Author.id))) == 2
