async def test_none(client):
    assert (await client.get("/authors")).json() == []
