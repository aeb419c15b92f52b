async def test_add(web):
    response = await web.post("/authors", json={"name": "Le Guin"})
    assert response.status_code == 201


async def test_unknown(web):
    assert (await web.get("/authors/77")).status_code == 404
