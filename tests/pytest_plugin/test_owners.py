"""What belongs to a living wider fixture, or to the lifespan, is left alone and not reported."""

from __future__ import annotations

from tests.pytest_plugin.project import Project

CONFTEST = '''
import asyncio
import os
import pytest
from shop import SessionLocal, User, app, get_session


class FakeSession:
    async def scalars(self, statement):
        return [User(name="overridden")]


@pytest.fixture(scope="session")
async def everything():
    """Asked for by the first test only: a session with an open transaction, an override, a variable."""
    os.environ["SHOP_TOKEN"] = "session"
    app.dependency_overrides[get_session] = lambda: FakeSession()
    async with SessionLocal() as session:
        await session.connection()
        yield session
        await session.rollback()
    del app.dependency_overrides[get_session]
'''

TESTS = """
import os
from sqlalchemy import text
from conftest import app, get_session

async def look(client, everything):
    assert os.environ["SHOP_TOKEN"] == "session"
    assert everything.in_transaction()
    assert (await everything.execute(text("SELECT 1"))).scalar() == 1
    assert (await client.get("/users")).json() == ["overridden"]

async def test_1(everything, async_client):
    await look(async_client, everything)

async def test_2(everything, async_client):
    await look(async_client, everything)
    os.environ["SHOP_TOKEN"] = "test 2"
    app.dependency_overrides.clear()

async def test_3(everything, async_client):
    await look(async_client, everything)
"""

SESSION_LOOPS = ("-o", "asyncio_default_test_loop_scope=session")


def test_a_session_fixtures_things_stay(project: Project) -> None:
    """Tests 2 and 3 still have what the fixture made while test 1 ran, and nothing is reported."""
    project.write(conftest_py=CONFTEST, test_a_py=TESTS)
    result = project.pytest(*SESSION_LOOPS)
    assert result.outcomes() == {"passed": 3}, result.output


def test_a_session_that_begins_anew_in_a_test_is_still_the_fixtures(project: Project) -> None:
    """A session-scoped ``Session`` connects in each test's body, and stays open: it belongs to its maker."""
    project.write(
        conftest_py="""
import pytest
from shop import SessionLocal

@pytest.fixture(scope="session")
async def session():
    async with SessionLocal() as session:
        yield session
""",
        test_a_py="""
from sqlalchemy import text

async def test_1(session):
    await session.execute(text("SELECT 1"))

async def test_2(session):
    assert session.in_transaction()
""",
    )
    result = project.pytest(*SESSION_LOOPS)
    assert result.outcomes() == {"passed": 2}, result.output


def test_a_lifespans_poller_is_the_lifespans(project: Project) -> None:
    """A task that a session-wide lifespan started holds a connection through every test's end, unreported."""
    project.write_path(
        "polling.py",
        """
        import asyncio
        from contextlib import asynccontextmanager
        from sqlalchemy import text
        from shop import app, engine

        @asynccontextmanager
        async def lifespan(app):
            ready, stop = asyncio.Event(), asyncio.Event()

            async def poll():
                async with engine.connect() as connection:
                    await connection.execute(text("SELECT 1"))
                    ready.set()
                    await stop.wait()

            async with asyncio.TaskGroup() as group:
                group.create_task(poll())
                await ready.wait()
                yield
                stop.set()

        app.router.lifespan_context = lifespan
        """,
    )
    project.write(
        conftest_py="""
import pytest
from hermetic import AsyncTestClient
from polling import app

@pytest.fixture(scope="session")
async def client():
    async with AsyncTestClient(app) as client:
        yield client
""",
        test_a_py="""
import pytest

@pytest.mark.parametrize("again", range(3))
async def test_it(client, again):
    assert (await client.post("/users", json={"name": "x"})).json()["id"] == 1
""",
    )
    result = project.pytest(*SESSION_LOOPS)
    assert result.outcomes() == {"passed": 3}, result.output


def test_a_wide_owner_that_blocks_a_restore_is_named_and_left_alone(project: Project) -> None:
    """A session fixture's open write keeps the baseline from coming back: the error names it and where it is."""
    project.write(
        conftest_py="""
import pytest
from sqlalchemy import text
from shop import engine

@pytest.fixture(scope="session")
async def holder():
    async with engine.connect() as connection:
        yield connection
""",
        test_a_py="""
from sqlalchemy import text
from shop import SessionLocal, User

async def test_1(holder, async_test_db):
    async_test_db.add(User(name="x"))
    await async_test_db.commit()
    await holder.execute(text("INSERT INTO users (name) VALUES ('held')"))

async def test_2(holder):
    await holder.rollback()
""",
    )
    result = project.pytest(*SESSION_LOOPS)
    assert "fixture 'holder' (session scope)" in result.output
    assert "conftest.py:7" in result.output
    assert result.outcomes()["passed"] >= 1, result.output


def test_overrides_of_an_application_that_a_test_is_the_first_to_import(project: Project) -> None:
    """Whoever imports it first: what a test overrides is undone, what a wider fixture overrides stays."""
    project.write(
        conftest_py="""
import pytest

@pytest.fixture(scope="module")
def wide(hermetic_app):
    hermetic_app.dependency_overrides["wide"] = 1
""",
        test_a_py="""
def test_1(wide, hermetic_app):
    assert hermetic_app.dependency_overrides == {"wide": 1}
    hermetic_app.dependency_overrides["narrow"] = 1

def test_2(hermetic_app):
    assert hermetic_app.dependency_overrides == {"wide": 1}
""",
        test_b_py="""
def test_3(hermetic_app):
    assert hermetic_app.dependency_overrides == {}
""",
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output
