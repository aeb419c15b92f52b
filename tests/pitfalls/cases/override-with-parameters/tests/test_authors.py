async def test_add_author(client):
    response = await client.post("/authors", json={"name": "Woolf"})
    assert response.status_code == 201
