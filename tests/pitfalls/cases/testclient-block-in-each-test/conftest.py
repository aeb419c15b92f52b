import pytest
import sqlalchemy
from fastapi.testclient import TestClient

from books import api, settings, tables


@pytest.fixture(scope="session")
def schema():
    url = settings.DATABASE_URL.replace("+asyncpg", "+psycopg")
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    tables.Base.metadata.create_all(engine)


@pytest.fixture
def client(schema):
    with TestClient(api.api) as client:
        yield client
