import pytest

from books.database import Base, engine


@pytest.fixture(scope="session")
async def connection():
    async with engine.connect() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.commit()
        yield connection
    await engine.dispose()
