import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import (
    InvalidRequestError,
    MissingGreenlet,
    OperationalError,
    PendingRollbackError,
    StatementError,
)
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm.exc import DetachedInstanceError

from books.database import Base, engine
from books.tables import Author


@pytest.fixture
async def session():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine) as session:
        yield session
    await engine.dispose()


async def test_expired(session):
    author = Author(name="Rilke")
    session.add(author)
    await session.commit()
    with pytest.raises((MissingGreenlet, StatementError), match="greenlet"):
        author.name  # noqa: B018
    await session.rollback()


async def test_detached(session):
    author = Author(name="Rilke")
    session.add(author)
    await session.commit()
    await session.close()
    with pytest.raises(DetachedInstanceError):
        author.name  # noqa: B018


async def test_failed_flush(session):
    session.add_all([Author(name="Rilke"), Author(name="Rilke")])
    with pytest.raises(Exception, match="UNIQUE"):
        await session.flush()
    with pytest.raises(PendingRollbackError):
        await session.scalar(text("select 1"))
    await session.rollback()


async def test_no_table(session):
    with pytest.raises(OperationalError, match="no such table"):
        await session.execute(text("select * from nowhere"))


async def test_nested_run():
    coroutine = asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="running event loop"):
        asyncio.run(coroutine)
    coroutine.close()


def test_sync_driver():
    with pytest.raises(InvalidRequestError):
        create_async_engine("sqlite:///")
