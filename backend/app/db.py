"""The engine, made once at import as most applications do, and the session of a request."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from .config import get_settings

engine = create_async_engine(get_settings().database_url)
SessionMaker = async_sessionmaker(engine, expire_on_commit=False)

if engine.dialect.name == "sqlite":

    @event.listens_for(engine.sync_engine, "connect")
    def enforce_foreign_keys(connection: Any, _record: object) -> None:
        """Switch foreign keys on: SQLite leaves them off for each new connection."""
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()


async def get_session() -> AsyncIterator[AsyncSession]:
    """Open a session for one request; what the endpoint does not commit is rolled back."""
    async with SessionMaker() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]
