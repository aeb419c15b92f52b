async def test_exactly_one(client):
    heroes = (await client.get("/heroes")).json()
    assert [h["name"] for h in heroes] == ["Rusty"]
