import books.login


async def test_me(http):
    http.base_url = "https://books"
    await http.post("/login", params={"name": "Gogol"})
    assert (await http.get("/me")).status_code == 200
