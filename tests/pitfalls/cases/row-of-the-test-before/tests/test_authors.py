async def test_author_is_added(client):
    response = await client.post("/authors", json={"name": "Austen"})
    assert response.json() == {"id": 1, "name": "Austen"}


async def test_author_is_shown(client):
    response = await client.get("/authors/1")
    assert response.json()["name"] == "Austen"
