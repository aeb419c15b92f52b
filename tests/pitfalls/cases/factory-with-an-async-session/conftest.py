import asyncio

import factory
import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import async_scoped_session

from app import Base, User, app, engine, maker

scoped = async_scoped_session(maker, scopefunc=asyncio.current_task)


class UserFactory(factory.alchemy.SQLAlchemyModelFactory):
    class Meta:
        model = User
        sqlalchemy_session = scoped
        sqlalchemy_session_persistence = "flush"

    name = factory.Faker("name")


@pytest.fixture(autouse=True)
async def tables():
    async with engine.begin() as c:
        await c.run_sync(Base.metadata.create_all)
    yield
    await scoped.remove()
    async with engine.begin() as c:
        await c.run_sync(Base.metadata.drop_all)


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://t") as c:
        yield c


@pytest.fixture
def user_factory():
    return UserFactory
