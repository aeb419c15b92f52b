from books.drafts import api


async def test_draft(http):
    assert api is not None
    assert (await http.post("/drafts", params={"name": "Draft"})).status_code == 201
