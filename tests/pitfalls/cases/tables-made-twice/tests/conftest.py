from pathlib import Path

import pytest
from sqlalchemy import text

from books.database import Base, engine

MIGRATIONS = Path(__file__).parents[1] / "migrations"


@pytest.fixture(scope="session")
async def created():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


@pytest.fixture(scope="session", autouse=True)
async def migrated(created):
    async with engine.begin() as connection:
        for file in sorted(MIGRATIONS.glob("*.sql")):
            await connection.execute(text(file.read_text()))
