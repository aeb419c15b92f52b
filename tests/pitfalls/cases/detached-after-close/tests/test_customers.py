import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from orders.models import Model

from tests.factories import make_customer


@pytest.fixture
async def engine(tmp_path):
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'orders.db'}")
    async with engine.begin() as connection:
        await connection.run_sync(Model.metadata.create_all)
    yield engine
    await engine.dispose()


async def test_customer_has_email(engine):
    customer = await make_customer(engine)
    assert customer.email == "eve@example.org"
