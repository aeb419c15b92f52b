async def test_get(client, ann):
    assert (await client.get(f"/authors/{ann.id}")).json()["name"] == "ann"
