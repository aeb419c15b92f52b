def test_first(client):
    assert client.get("/authors/9").status_code == 404
