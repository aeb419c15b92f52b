from books.tables import Author, Book


async def test_books_of_an_author(client, pg_session):
    author = Author(name="Kafka", books=[Book(title="The Trial")])
    pg_session.add(author)
    await pg_session.flush()
    response = await client.get(f"/authors/{author.id}/books")
    assert response.json() == ["The Trial"]
