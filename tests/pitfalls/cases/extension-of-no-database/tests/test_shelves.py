async def test_none(http):
    assert (await http.get("/shelves")).json() == []
