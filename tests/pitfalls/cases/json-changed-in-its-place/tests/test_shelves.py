import books.shelves


async def test_tag(http):
    number = (await http.post("/shelves")).json()["id"]
    await http.post(f"/shelves/{number}/tags/novel")
    assert (await http.get(f"/shelves/{number}")).json()["tags"] == ["novel"]
