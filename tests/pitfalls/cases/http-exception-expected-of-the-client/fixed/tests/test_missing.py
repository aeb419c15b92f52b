async def test_missing_author(http):
    assert (await http.get("/authors/7")).status_code == 404
