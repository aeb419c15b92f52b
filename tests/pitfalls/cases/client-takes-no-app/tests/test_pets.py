async def test_no_such_pet(ac):
    assert (await ac.get("/pets/404")).status_code == 404
