async def test_duplicate(client):
    ann = (await client.post("/authors", json={"name": "Ann"})).json()
    assert (await client.post("/authors", json={"name": "Ann"})).status_code == 409
    assert (await client.get(f"/authors/{ann['id']}")).status_code == 200
