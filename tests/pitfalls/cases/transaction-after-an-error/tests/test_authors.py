from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
import pytest

from books.database import engine
from books.tables import Author


async def test_names_are_unique(http):
    async with engine.connect() as connection:
        await connection.execute(insert(Author).values(name="Ursula"))
        with pytest.raises(IntegrityError):
            await connection.execute(insert(Author).values(name="Ursula"))
        assert await connection.scalar(select(func.count()).select_from(Author)) == 1
