import books.rooms


async def test_gogol(http):
    await http.post("/authors", json={"name": "Gogol"})
    assert (await http.get("/rooms/1")).json() == "Gogol"


async def test_pushkin(http):
    await http.post("/authors", json={"name": "Pushkin"})
    assert (await http.get("/rooms/1")).json() == "Pushkin"
