async def test_none(http):
    response = await http.get("/authors")
    assert response.status_code == 200
