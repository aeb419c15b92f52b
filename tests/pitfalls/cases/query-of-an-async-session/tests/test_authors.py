from books.tables import Author


async def test_none(session):
    assert session.query(Author).count() == 0
