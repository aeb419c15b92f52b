async def test_docs(client):
    response = await client.get("/openapi.json")
    assert response.status_code == 200
