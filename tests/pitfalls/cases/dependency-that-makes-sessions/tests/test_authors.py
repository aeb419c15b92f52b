async def test_nobody(http):
    assert (await http.get("/authors")).json() == []
