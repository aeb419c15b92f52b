from fastapi.testclient import TestClient

from app.main import app

client = TestClient(app)


def test_about():
    response = client.get("/")
    assert response.status_code == 200
    assert response.json()["service"] == "hermetic's example service"


def test_health():
    assert client.get("/health").json() == {"status": "ok"}


def test_the_database_answers():
    response = client.get("/api/health")
    assert response.json() == {"status": "ok", "database": "ok", "last_beat": None}


def test_the_heart_beats_while_the_service_runs():
    with TestClient(app) as running:
        health = running.get("/api/health").json()
    assert health["last_beat"] is not None


def test_what_is_not_there():
    assert TestClient(app).get("/nothing").status_code == 404
