from books.tables import Author, Book


async def test_books_of_an_author(client, async_db_session):
    author = Author(name="Kafka", books=[Book(title="The Trial")])
    async_db_session.add(author)
    await async_db_session.commit()
    assert client.get(f"/authors/{author.id}/books").json() == ["The Trial"]
