async def test_health(client):
    assert (await client.get("/health")).json() == "ok"
