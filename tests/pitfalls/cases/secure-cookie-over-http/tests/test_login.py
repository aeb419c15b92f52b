import books.login


async def test_me(http):
    await http.post("/login", params={"name": "Gogol"})
    assert (await http.get("/me")).status_code == 200
