"""What a request commits to a database in memory that a conftest keeps for itself: told where that is asked for."""

from __future__ import annotations

import re

from tests.pytest_plugin.project import Project

CONFTEST = """
import pytest
from fastapi.testclient import TestClient
from shop import Base, app, get_session
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.pool import StaticPool


def made():
    return create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)


engine = made()


async def make_tables(engine):
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


def hand(engine):
    async def handed():
        async with async_sessionmaker(engine, expire_on_commit=False)() as session:
            yield session

    app.dependency_overrides[get_session] = handed


@pytest.fixture
async def kept():
    await make_tables(engine)
    hand(engine)


@pytest.fixture
async def cleared(kept):
    yield
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)


@pytest.fixture
async def own():
    engine = made()
    await make_tables(engine)
    hand(engine)
    yield
    await engine.dispose()
"""

ONE = """
async def test_{0}({0}, async_client):
    assert (await async_client.post("/users", json={{"name": "{0}"}})).status_code == 201
"""


def test_it_is_told_where_that_is_asked_for(project: Project) -> None:
    """Of an engine that outlives the test, where nothing clears it; by itself hermetic only notes that it is there."""
    tests = "".join(ONE.format(name) for name in ("kept", "cleared", "own"))
    project.write(conftest_py=CONFTEST, test_a_py=tests)
    result = project.pytest("--hermetic-memory=error")
    assert result.outcomes() == {"passed": 3, "errors": 1}, result.output
    assert (
        "request POST /users committed to a database in memory that is not put back. [HM753]" in result.output
    )
    assert re.search(
        r"shop.py:\d+ wrote to users by the engine that was made at .*conftest.py:9\.", result.output
    )
    assert project.pytest().outcomes() == {"passed": 3}
