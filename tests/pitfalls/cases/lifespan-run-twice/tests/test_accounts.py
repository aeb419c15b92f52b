async def test_both_see_root(anonymous, administrator):
    assert (await anonymous.get("/accounts")).json() == ["root"]
    assert (await administrator.get("/accounts")).json() == ["root"]
