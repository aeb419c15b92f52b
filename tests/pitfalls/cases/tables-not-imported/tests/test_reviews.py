from sqlalchemy import func, select

from books.database import Session


async def test_no_reviews():
    from books.reviews import Review

    async with Session() as session:
        assert await session.scalar(select(func.count()).select_from(Review)) == 0
