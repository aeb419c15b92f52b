from fastapi.testclient import TestClient

from inbox import app

client = TestClient(app)


def test_next():
    assert client.get("/next").json() == "hello"
