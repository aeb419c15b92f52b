async def test_create(client):
    assert (await client.post("/heroes", json={"name": "Rusty"})).status_code == 201
