import asyncio

from alembic import context

from shop.db import Base, engine


def go(connection):
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    async with engine.connect() as connection:
        await connection.run_sync(go)
        await connection.commit()


asyncio.run(main())
