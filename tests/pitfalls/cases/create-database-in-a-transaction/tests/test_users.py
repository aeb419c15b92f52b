async def test_empty(client):
    assert (await client.get("/authors")).json() == []
