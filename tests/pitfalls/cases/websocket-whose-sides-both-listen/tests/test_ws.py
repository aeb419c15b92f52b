from fastapi.testclient import TestClient

from app.ws import app


def test_chat():
    with TestClient(app).websocket_connect("/ws") as ws:
        ws.send_text("")
        assert ws.receive_text() == "you said "
