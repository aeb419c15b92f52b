import pytest

from books.database import Session, engine
from books.tables import Base


@pytest.fixture
async def session(request):
    async with engine.begin() as conn:
        await conn.run_sync(Base.metadata.create_all)
    session = Session()

    async def close_session():
        await session.close()

    request.addfinalizer(close_session)
    return session
