import gc

from sqlalchemy import text

from books.database import engine


async def test_raw():
    async with engine.connect() as connection:
        assert await connection.scalar(text("select 1")) == 1
    await engine.dispose()


def test_of_somebody_else():
    gc.collect()
