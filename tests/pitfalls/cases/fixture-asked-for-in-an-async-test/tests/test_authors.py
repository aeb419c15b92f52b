async def test_author_is_listed(client, request):
    some_author = request.getfixturevalue("some_author")
    assert (await client.get("/authors")).json() == [some_author["name"]]
