"""The fixtures of a suite from before: a file for a database, emptied after each test, and TestClient."""

import os

os.environ.setdefault("DATABASE_URL", "sqlite+aiosqlite:///./test.db")

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from app.main import app
from app.models import Base

engine = create_engine(os.environ["DATABASE_URL"].replace("+aiosqlite", ""))


@pytest.fixture(scope="session", autouse=True)
def tables():
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    yield
    Base.metadata.drop_all(engine)
    engine.dispose()


@pytest.fixture(autouse=True)
def empty_tables(tables):
    yield
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())


@pytest.fixture
def db():
    with Session(engine) as session:
        yield session


@pytest.fixture
def client():
    with TestClient(app) as client:
        yield client


@pytest.fixture
def ada(client):
    return client.post("/api/users", json={"name": "Ada", "email": "ada@example.org"}).json()


@pytest.fixture
def make_task(client, ada):
    def make(title, done=False):
        task = client.post(f"/api/users/{ada['id']}/tasks", json={"title": title}).json()
        if done:
            task = client.patch(f"/api/tasks/{task['id']}", json={"done": True}).json()
        return task

    return make
