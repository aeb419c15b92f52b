from fastapi.testclient import TestClient

from keys import app


class TestKeys:
    def test_secret(self, monkeypatch):
        monkeypatch.setenv("SHOP_API_KEY", "k1")
        response = TestClient(app).get("/secret", headers={"x-key": "k1"})
        assert response.status_code == 200
