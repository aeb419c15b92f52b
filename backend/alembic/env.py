"""How Alembic reaches the database: through an async engine, with the service's own settings."""

import asyncio

from alembic import context
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

from backend.app.config import get_settings
from backend.app.models import Base

# A caller that brings a URL of its own (a test) comes first.
url = context.config.get_main_option("sqlalchemy.url") or get_settings().database_url


def migrate(connection: Connection | None = None) -> None:
    """Run the migrations on a connection, or print their SQL where there is none."""
    context.configure(
        connection=connection,
        url=None if connection else url,
        target_metadata=Base.metadata,
        render_as_batch=True,
        literal_binds=connection is None,
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_online() -> None:
    """Connect and migrate."""
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


if context.is_offline_mode():
    migrate()
else:
    asyncio.run(migrate_online())
