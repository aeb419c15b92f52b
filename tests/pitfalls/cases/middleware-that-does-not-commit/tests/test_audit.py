async def test_hits(client):
    await client.get("/ping")
    assert (await client.get("/hits")).json() == ["/ping", "/hits"]
