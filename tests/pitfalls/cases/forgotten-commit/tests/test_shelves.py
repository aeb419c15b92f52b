async def test_filled_shelf_is_listed(client):
    assert (await client.post("/shelves", params={"name": "Gogol"})).status_code == 201
    assert (await client.get("/authors")).json() == ["Gogol"]
