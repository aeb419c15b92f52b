import books.labels


async def test_gogol(http):
    await http.post("/authors", json={"name": "Gogol"})
    assert (await http.get("/labels/1")).json() == "Author 1: Gogol"


async def test_pushkin(http):
    await http.post("/authors", json={"name": "Pushkin"})
    assert (await http.get("/labels/1")).json() == "Author 1: Pushkin"
