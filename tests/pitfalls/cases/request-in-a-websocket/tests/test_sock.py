from fastapi import Request
from fastapi.testclient import TestClient

from sock import app, user


def fake_user(request: Request):
    return "ann"


def test_ws():
    app.dependency_overrides[user] = fake_user
    with TestClient(app).websocket_connect("/ws") as ws:
        assert ws.receive_text() == "ann"
    app.dependency_overrides.clear()
