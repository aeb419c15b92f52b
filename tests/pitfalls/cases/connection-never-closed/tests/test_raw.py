import gc

from sqlalchemy import text

from books.database import engine


async def test_raw():
    connection = await engine.connect()
    assert await connection.scalar(text("select 1")) == 1


def test_of_somebody_else():
    gc.collect()
