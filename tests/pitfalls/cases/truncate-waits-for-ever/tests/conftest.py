import pytest
from sqlalchemy import text

from books.database import Base, Session, engine


@pytest.fixture(scope="session", autouse=True)
async def tables():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


@pytest.fixture(scope="module")
async def reader():
    async with Session() as session:
        yield session


@pytest.fixture
async def clean():
    yield
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE authors, books RESTART IDENTITY CASCADE"))
