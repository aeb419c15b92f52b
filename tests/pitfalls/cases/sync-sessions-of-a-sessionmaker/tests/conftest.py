import pytest
from sqlalchemy.orm import sessionmaker

from books.database import engine
from books.tables import Base

TestingSession = sessionmaker(engine, expire_on_commit=False)


@pytest.fixture
async def session():
    async with engine.begin() as conn:
        await conn.run_sync(Base.metadata.create_all)
    async with TestingSession() as session:
        yield session
