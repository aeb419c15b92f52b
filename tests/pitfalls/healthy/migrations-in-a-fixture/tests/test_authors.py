async def test_unknown(client):
    assert (await client.get("/authors/1")).status_code == 404


async def test_add(client):
    assert (await client.post("/authors", json={"name": "Camus"})).status_code == 201
