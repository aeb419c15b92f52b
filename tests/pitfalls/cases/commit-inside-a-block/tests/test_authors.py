async def test_create_and_list(client):
    assert (await client.post("/authors", json={"name": "Ann"})).status_code == 201
    assert len((await client.get("/authors")).json()) == 1
