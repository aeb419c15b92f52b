async def test_remove(http):
    assert (await http.request("DELETE", "/authors", json=[1])).json() == 1
