from sqlalchemy import text


async def test_one(connection):
    assert await connection.scalar(text("select 1")) == 1
    await connection.rollback()
