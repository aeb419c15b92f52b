import books.shops


async def test_open(http):
    response = await http.post("/shops/", json={"name": "Smirdin"})
    assert response.status_code == 201
