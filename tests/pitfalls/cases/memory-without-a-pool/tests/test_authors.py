async def test_add(client):
    assert (await client.post("/authors", json={"name": "Eco"})).status_code == 201
