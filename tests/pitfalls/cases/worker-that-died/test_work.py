from fastapi.testclient import TestClient

from work import app


def test_work():
    with TestClient(app) as client:
        assert client.post("/jobs/0").status_code == 200
