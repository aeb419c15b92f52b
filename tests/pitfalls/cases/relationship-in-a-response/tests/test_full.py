from books.full import api


async def test_full(http):
    assert api is not None
    await http.post("/authors", json={"name": "Zola"})
    assert (await http.get("/full")).json() == [{"name": "Zola", "books": []}]
