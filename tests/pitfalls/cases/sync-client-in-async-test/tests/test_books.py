from books.tables import Author, Book


async def test_books_of_an_author(client, pg_session):
    author = Author(name="Kafka", books=[Book(title="The Trial")])
    pg_session.add(author)
    await pg_session.flush()
    assert client.get(f"/authors/{author.id}/books").json() == ["The Trial"]
