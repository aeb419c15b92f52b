from books.tables import Book


async def test_note(session, ann):
    session.add(Book(title="first", author_id=ann.id))
    await session.commit()
