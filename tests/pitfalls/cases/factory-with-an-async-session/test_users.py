async def test_read(client, user_factory):
    user = user_factory.create(name="Ann")
    r = await client.get(f"/users/{user.id}")
    assert r.status_code == 200
