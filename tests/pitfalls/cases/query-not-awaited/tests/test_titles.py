from books.titles import api


async def test_titles(http):
    assert api is not None
    assert (await http.get("/titles")).json() == []
