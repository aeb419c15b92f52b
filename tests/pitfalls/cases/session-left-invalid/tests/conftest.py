import pytest

from books.database import Base, Session, engine


@pytest.fixture(scope="module")
async def shared_session():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with Session() as session:
        yield session
    await engine.dispose()
