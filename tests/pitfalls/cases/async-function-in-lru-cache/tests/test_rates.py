import books.rates


async def test_euro(http):
    assert (await http.get("/rates")).json()["EUR"] == 1


async def test_dollar(http):
    assert (await http.get("/rates")).json()["USD"] == 2
