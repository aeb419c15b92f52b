import pytest

from books.database import Base, Session, engine
from books.loans import Loan


@pytest.fixture
async def session():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with Session() as session:
        yield session
    await engine.dispose()


async def test_changed(session):
    loan = Loan(reader="Ann")
    session.add(loan)
    await session.commit()
    loan.reader = "Bob"
    await session.commit()
    assert loan.changed is not None
