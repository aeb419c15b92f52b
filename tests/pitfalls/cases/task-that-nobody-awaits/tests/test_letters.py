from books.letters import api


async def test_letter(http):
    assert api is not None
    assert (await http.post("/letters", params={"to": "Santa"})).status_code == 202


async def test_nothing(http):
    assert (await http.get("/authors/1000")).status_code == 404
