from fastapi.testclient import TestClient

from orders.application import create_app

client = TestClient(create_app())


def test_no_turnover():
    assert client.get("/customers/1/turnover").json() == {"turnover": 0}
