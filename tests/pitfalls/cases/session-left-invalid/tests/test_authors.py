import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from books.tables import Author


async def test_duplicate(shared_session):
    shared_session.add_all([Author(name="Twin"), Author(name="Twin")])
    with pytest.raises(IntegrityError):
        await shared_session.flush()


async def test_none(shared_session):
    assert await shared_session.scalar(select(func.count(Author.id))) == 0
