import pytest
from fastapi.testclient import TestClient

from main import app


@pytest.fixture
def client():
    with TestClient(app) as client:
        yield client


@pytest.fixture
def broken():
    @app.get("/broken")
    def broken():
        raise RuntimeError("this is expected")

    yield TestClient(app, raise_server_exceptions=False)
    app.router.routes.pop()
