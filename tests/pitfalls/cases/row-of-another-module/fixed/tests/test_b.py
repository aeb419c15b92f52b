async def test_exactly_one(client):
    await client.post("/heroes", json={"name": "Rusty"})
    heroes = (await client.get("/heroes")).json()
    assert [h["name"] for h in heroes] == ["Rusty"]
