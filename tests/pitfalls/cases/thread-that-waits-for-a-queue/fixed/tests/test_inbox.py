from fastapi.testclient import TestClient

from inbox import app

client = TestClient(app)


def test_next():
    client.post("/messages", params={"text": "hello"})
    assert client.get("/next").json() == "hello"
