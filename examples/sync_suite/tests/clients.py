"""What more than one file of tests uses."""

from contextlib import contextmanager

from fastapi.testclient import TestClient

from app.main import app


@contextmanager
def another_browser(user_agent):
    with TestClient(app, headers={"User-Agent": user_agent}) as client:
        yield client


def create_user(client, name, email=None):
    response = client.post("/api/users", json={"name": name, "email": email})
    assert response.status_code == 201, response.text
    return response.json()


def names(client, **params):
    return [user["name"] for user in client.get("/api/users", params=params).json()]
