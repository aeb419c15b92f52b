import pytest

from books import tables
from books.database import engine


@pytest.fixture(scope="session", autouse=True)
async def setup_database():
    tables.Base.metadata.drop_all(engine)
    tables.Base.metadata.create_all(engine)
