import books.lending


async def test_overdue(http):
    loan = (await http.post("/loans", json={"due": "2020-01-01T00:00:00Z"})).json()["id"]
    assert (await http.get(f"/loans/{loan}/overdue")).json() is True
