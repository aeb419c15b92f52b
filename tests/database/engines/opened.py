"""What a connection says of the database that it is on."""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

FILE = text("SELECT file FROM pragma_database_list WHERE name = 'main'")


def file_of(connection: Connection) -> str:
    """Return the path of the database file."""
    return str(connection.scalar(FILE))


async def file_in(engine: AsyncEngine) -> str:
    """Connect once and return the path of the database file."""
    async with engine.connect() as connection:
        return await file_through(connection)


async def file_through(connection: AsyncConnection) -> str:
    """Return the path of the database file."""
    return str(await connection.scalar(FILE))
