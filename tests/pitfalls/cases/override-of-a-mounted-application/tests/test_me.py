async def test_me(client):
    assert (await client.get("/api/me")).status_code == 200
