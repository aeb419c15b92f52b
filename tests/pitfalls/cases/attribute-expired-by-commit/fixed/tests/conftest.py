import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from orders.models import Customer, Model


@pytest.fixture
async def database(tmp_path):
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/orders.db")
    async with engine.begin() as connection:
        await connection.run_sync(Model.metadata.create_all)
    async with async_sessionmaker(engine, expire_on_commit=False)() as session:
        yield session
    await engine.dispose()


@pytest.fixture
async def customer(database):
    customer = Customer(email="c@example.org")
    database.add(customer)
    await database.commit()
    return customer
