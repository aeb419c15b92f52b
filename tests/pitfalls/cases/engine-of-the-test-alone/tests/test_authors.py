from books.tables import Author


async def test_listed(http, session):
    session.add(Author(name="Ursula"))
    await session.commit()
    assert (await http.get("/authors")).json() == ["Ursula"]
