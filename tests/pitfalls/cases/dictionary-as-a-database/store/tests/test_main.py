from fastapi.testclient import TestClient

from store.main import app

client = TestClient(app)


def test_create_item():
    response = client.post("/items/", json={"id": "foobar", "title": "Foo Bar"})
    assert response.status_code == 200


def test_create_again():
    response = client.post("/items/", json={"id": "foobar", "title": "Other"})
    assert response.status_code == 200


def test_empty():
    assert client.get("/items/").json() == []
