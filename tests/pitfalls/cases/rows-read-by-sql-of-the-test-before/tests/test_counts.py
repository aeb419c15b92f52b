import pytest
from sqlalchemy import text
from sqlmodel import SQLModel

from main import Pet, engine


@pytest.fixture(scope="session", autouse=True)
async def tables():
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.drop_all)
        await connection.run_sync(SQLModel.metadata.create_all)
    yield
    await engine.dispose()


async def test_insert():
    async with engine.begin() as connection:
        await connection.execute(Pet.__table__.insert().values(name="Tom", owner="Jerry"))


async def test_count():
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM pet")) == 1
