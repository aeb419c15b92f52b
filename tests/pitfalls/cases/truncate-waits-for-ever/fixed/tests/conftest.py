import pytest
from sqlalchemy import text

from books.database import Base, Session, engine


@pytest.fixture(scope="session", autouse=True)
async def tables():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


@pytest.fixture
async def clean():
    yield
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE authors, books RESTART IDENTITY CASCADE"))


@pytest.fixture
async def reader(clean):
    async with Session() as session:
        yield session
