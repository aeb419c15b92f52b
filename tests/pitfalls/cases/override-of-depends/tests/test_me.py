async def test_me(client):
    assert (await client.get("/me")).status_code == 200
