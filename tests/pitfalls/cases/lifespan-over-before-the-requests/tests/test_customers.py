async def test_created(http):
    response = await http.post("/customers", json={"email": "gogol@example.org"})
    assert response.status_code == 201
