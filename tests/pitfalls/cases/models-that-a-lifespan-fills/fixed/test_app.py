from fastapi.testclient import TestClient

from app import app


def test_predict():
    with TestClient(app) as c:
        assert c.get("/predict", params={"x": 2}).json() == {"result": 84}
