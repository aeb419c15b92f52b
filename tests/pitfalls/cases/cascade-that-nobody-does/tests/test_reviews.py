import pytest
from sqlalchemy import select

from books.database import Session
from books.reviews import Review
from books.tables import Author


@pytest.fixture
async def author(http):
    async with Session() as session:
        author = Author(name="Jane")
        session.add(author)
        await session.flush()
        session.add(Review(text="fine", author_id=author.id))
        await session.commit()
        return author


async def test_reviews_go_with_their_author(http, author):
    await http.delete(f"/authors/{author.id}")
    async with Session() as session:
        assert (await session.scalars(select(Review.text))).all() == []
