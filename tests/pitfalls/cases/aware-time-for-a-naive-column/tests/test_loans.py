import books.lending


async def test_lend(http):
    assert (await http.post("/loans", json={"due": "2030-01-01T00:00:00Z"})).status_code == 201
