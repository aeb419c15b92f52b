import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine

from books.api import api
from books.database import Base
from books.settings import DATABASE_URL

client = TestClient(api)


@pytest.fixture(scope="module", autouse=True)
def tables():
    engine = create_engine(DATABASE_URL.replace("asyncpg", "psycopg"))
    Base.metadata.create_all(engine)
    engine.dispose()


def test_twice():
    assert client.get("/authors").json() == []
    assert client.get("/authors/1").status_code == 404
