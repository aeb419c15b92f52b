import pytest
from fastapi.testclient import TestClient

from main import app


def test_new_pet(client):
    pet = client.post("/pets", json={"name": "Rex"}).json()
    assert client.get(f"/pets/{pet['id']}").json()["name"] == "Rex"


def test_server_error(broken):
    assert broken.get("/broken").status_code == 500


def test_server_error_raised(broken):
    with pytest.raises(RuntimeError, match="expected"):
        TestClient(app).get("/broken")
