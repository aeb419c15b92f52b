import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool
from sqlmodel import SQLModel

from main import app


@pytest.fixture(autouse=True)
def tables():
    engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
    SQLModel.metadata.create_all(engine)
    yield
    engine.dispose()


def test_no_pets():
    assert TestClient(app).get("/pets").json() == []
