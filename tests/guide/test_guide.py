"""Every example of the guide works as it is written, those it says will fail included."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guide import blocks
from tests.pytest_plugin.project import Project

ROOT = Path(__file__).parents[2]

HERMETIC = f"""
hermetic_app = backend.app.main:app
hermetic_env =
    TESTING=true
    DATABASE_URL=sqlite+aiosqlite:///:memory:
pythonpath = "{ROOT}"
"""

IMPORTS = """
import asyncio
import os

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from backend.app.main import app
from backend.app.models import Base
"""

NOTHING_IS_LEFT = """

@pytest.mark.asyncio
async def test_nothing_is_left(async_client):
    assert (await async_client.get("/api/users")).json() == []
"""


@pytest.fixture
def project(empty_project: Project) -> Project:
    """A project with the guide's own ini file, on the example service."""
    return empty_project.write(pytest_ini=blocks.INI + HERMETIC)


def run(project: Project, *parts: str, passed: int, conftest: str = "") -> None:
    """Run a test module made of these parts; everything must pass, as often as said."""
    project.write(test_guide_py=IMPORTS + "\n".join(parts))
    if conftest:
        project.write(conftest_py=IMPORTS + conftest)
    result = project.pytest()
    assert result.outcomes() == {"passed": passed}, result.output


def test_what_will_fail_passes(project: Project) -> None:
    """The synchronous client on a module-level async engine, with an endpoint that commits."""
    run(project, blocks.WILL_FAIL, NOTHING_IS_LEFT, passed=2)


def test_what_will_fail_passes_ten_times_in_one_test(project: Project) -> None:
    """Ten requests in a row in one test, outside ``with`` and inside, with the isolation of async tests."""
    run(
        project,
        """
@pytest.mark.parametrize("again", range(2))
def test_outside(again):
    client = TestClient(app)
    ids = [client.post("/api/users", json={"name": "test"}).json()["id"] for _ in range(10)]
    assert ids == list(range(1, 11))

@pytest.mark.parametrize("again", range(2))
def test_inside(again):
    with TestClient(app) as client:
        ids = [client.post("/api/users", json={"name": "test"}).json()["id"] for _ in range(10)]
    assert ids == list(range(1, 11))
    assert len(TestClient(app).get("/api/users").json()) == 10
""",
        NOTHING_IS_LEFT,
        passed=5,
    )


def test_the_real_httpx_beside_ours(project: Project) -> None:
    """A user's own ``httpx.AsyncClient`` (of httpx, not httpx2); the service answers 201 where this block has 200."""
    run(project, blocks.HTTPX.replace("== 200", "== 201"), NOTHING_IS_LEFT, passed=2)


def test_the_guides_client_class(project: Project) -> None:
    """The guide's class, with the constructor and the exit that it leaves out."""
    run(
        project,
        blocks.CLIENT_CLASS,
        """
    def __init__(self, app, base_url="http://testserver"):
        self.app, self.base_url = app, base_url

    async def __aexit__(self, *exc):
        await self._client.aclose()

async def test_the_class():
    async with AsyncTestClient(app) as client:
        assert (await client.get("/health")).status_code == 200
""",
        passed=1,
    )


def test_usage_and_migration(project: Project) -> None:
    """Basic test, database test, Before and After, and both kinds in one module."""
    run(
        project,
        blocks.HEALTH,
        blocks.CREATE_USER,
        blocks.BEFORE.replace("test_endpoint", "test_before"),
        blocks.AFTER,
        blocks.MIXED,
        NOTHING_IS_LEFT,
        passed=7,
    )


def test_the_guides_own_session_fixture_sees_what_was_posted(project: Project) -> None:
    """A user's ``async_db_session`` on ``:memory:`` is on the application's database, because the URL is the same."""
    run(
        project,
        """
async def test_posted(async_client, async_db_session):
    assert (await async_client.post("/api/users", json={"name": "posted"})).status_code == 201
    rows = await async_db_session.execute(text("SELECT name FROM users"))
    assert rows.scalars().all() == ["posted"]
""",
        NOTHING_IS_LEFT,
        passed=2,
        conftest=blocks.SESSION_FIXTURE,
    )


def test_the_guides_own_session_fixture_comes_first(project: Project) -> None:
    """Asked for before the client, and before anything has imported the application, it is on the same database."""
    conftest = blocks.SESSION_FIXTURE.replace("Base.metadata.create_all", "lambda connection: None")
    project.write(
        test_guide_py="""
        from sqlalchemy import text

        async def test_posted(async_db_session, async_client):
            assert (await async_db_session.execute(text("SELECT name FROM users"))).scalars().all() == []
            await async_db_session.rollback()
            assert (await async_client.post("/api/users", json={"name": "posted"})).status_code == 201
            rows = await async_db_session.execute(text("SELECT name FROM users"))
            assert rows.scalars().all() == ["posted"]
        """,
        conftest_py="""
        import pytest
        from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
        """
        + conftest.replace("\n", "\n        "),
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output


def test_the_guides_own_database_fixture_sees_what_was_posted(project: Project) -> None:
    """``async_test_db``, with the set-up code that the guide leaves out."""
    setup = """    async with engine.begin() as conn:
        await conn.run_sync(Base.metadata.create_all)
    async with async_sessionmaker(engine)() as session:
        yield session"""
    fixture = blocks.TEST_DB_FIXTURE.replace("    # ... setup code\n    yield session", setup)
    run(project, blocks.CREATE_USER, NOTHING_IS_LEFT, passed=2, conftest=fixture)


def test_the_event_loop_fixture_does_nothing_and_harms_nothing(project: Project) -> None:
    """pytest-asyncio no longer asks for a fixture of that name."""
    run(
        project,
        blocks.CREATE_USER,
        """
async def test_another_loop(event_loop):
    assert asyncio.get_running_loop() is not event_loop
""",
        passed=2,
        conftest=blocks.EVENT_LOOP,
    )


def test_the_environment_fixture(project: Project) -> None:
    """``setup_test_env`` sets what ``hermetic_env`` had set before the application was imported."""
    run(
        project,
        blocks.CREATE_USER,
        """
def test_environment():
    assert os.environ["TESTING"] == "true"
    from backend.app.db import engine
    assert engine.url.database == ":memory:"
    assert os.environ["DATABASE_URL"] == "sqlite+aiosqlite:///:memory:"
""",
        passed=2,
        conftest=blocks.SETUP_TEST_ENV,
    )


@pytest.mark.parametrize(
    ("folder", "prefix"), [(".", "backend/tests/"), ("backend", "tests/"), ("backend/tests", "")]
)
def test_the_commands_of_the_guide(folder: str, prefix: str) -> None:
    """The three commands, from the repository's root and from the folders below it."""
    names = ("test_database_operations_async", "test_health_endpoint_async", "test_sync_compatibility")
    for name in names:
        result = Project(ROOT / folder).pytest(f"{prefix}integration/test_async_example.py::{name}", "-v")
        assert result.outcomes() == {"passed": 1}, result.output
