async def test_none(http):
    assert (await http.get("/authors")).json() == []
