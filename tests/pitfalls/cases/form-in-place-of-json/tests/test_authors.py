async def test_add(http):
    answer = await http.post("/authors", data={"name": "Gogol"})
    assert answer.status_code == 201
