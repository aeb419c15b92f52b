import pytest
from notes.db import SessionLocal, engine
from sqlmodel import SQLModel


@pytest.fixture
async def db():
    async with engine.begin() as conn:
        await conn.run_sync(SQLModel.metadata.drop_all)
        await conn.run_sync(SQLModel.metadata.create_all)
    async with SessionLocal() as session:
        yield session
