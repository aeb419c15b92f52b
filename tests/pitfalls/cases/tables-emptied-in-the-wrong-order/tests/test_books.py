async def test_book(http):
    author = (await http.post("/authors", json={"name": "Gogol"})).json()["id"]
    assert (await http.post("/books", json={"title": "Nose", "author_id": author})).status_code == 201
