async def test_add(http):
    answer = await http.post("/authors", json={"name": "Gogol"})
    assert answer.status_code == 201
