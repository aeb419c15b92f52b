from books.tables import Author


async def test_kept(client, session, ann):
    await client.get("/authors")
    assert (await session.get(Author, ann.id)).name == "Ann"
