import pytest
from sqlalchemy import text

import books.genres
from books.database import engine


@pytest.fixture(autouse=True)
async def schema():
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TYPE genre AS ENUM ('novel')"))
        await connection.execute(text("CREATE TABLE shelves (id serial PRIMARY KEY, genre genre NOT NULL)"))
    yield
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE shelves"))
    await engine.dispose()
