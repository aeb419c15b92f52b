async def test_author(client):
    assert (await client.get("/authors/1")).json() == {"id": 1, "name": "Aesop"}
