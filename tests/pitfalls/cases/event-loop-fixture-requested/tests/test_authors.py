async def test_no_authors(http):
    assert (await http.get("/authors")).json() == []
