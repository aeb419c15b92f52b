from fastapi.testclient import TestClient

from books.chat import api


def test_welcome():
    with TestClient(api).websocket_connect("/chat") as socket:
        assert socket.receive_text() == "welcome"
