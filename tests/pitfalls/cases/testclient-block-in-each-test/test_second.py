def test_second(client):
    assert client.get("/authors/9").status_code == 404


def test_third(client):
    assert client.get("/authors/9/books").json() == []
