from conftest import scoped


async def test_read(client, user_factory):
    user = user_factory.build(name="Ann")
    scoped.add(user)
    await scoped.commit()
    r = await client.get(f"/users/{user.id}")
    assert r.status_code == 200
