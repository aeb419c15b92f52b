from fastapi.testclient import TestClient

from orders.application import create_app


def test_no_turnover():
    with TestClient(create_app()) as client:
        assert client.get("/customers/1/turnover").json() == {"turnover": 0}
