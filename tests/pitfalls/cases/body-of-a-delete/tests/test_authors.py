async def test_remove(http):
    assert (await http.delete("/authors", json=[1])).json() == 1
