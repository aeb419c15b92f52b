async def test_none(http):
    response = http.get("/authors")
    assert response.status_code == 200
