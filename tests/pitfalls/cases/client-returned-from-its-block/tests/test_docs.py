async def test_docs(client):
    assert (await client.get("/openapi.json")).status_code == 200
