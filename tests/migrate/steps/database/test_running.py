"""Suites with recipes of their own, run before the step and after it, where the application really commits."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermetic.migrate.migration import migrated, read
from hermetic.migrate.steps.database import DATABASE
from tests.caches import with_initdb
from tests.migrate.steps.database.applications import ASYNC, SYNC, application
from tests.pytest_plugin.postgresql import URL
from tests.pytest_plugin.project import Project

INI = """
[pytest]
hermetic_app = app.main:app
hermetic_schema = app.models:Base.metadata
pythonpath = .
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = session
"""
SAVEPOINTS = """
import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.db import engine, get_db
from app.main import app
from app.models import Base, User


@pytest.fixture(scope="session", autouse=True)
async def tables():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    yield
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
    await engine.dispose()


@pytest.fixture
async def session(tables):
    async with engine.connect() as connection:
        transaction = await connection.begin()
        async with AsyncSession(
            bind=connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        ) as session:
            yield session
        await transaction.rollback()


@pytest.fixture
async def client(session):
    app.dependency_overrides[get_db] = lambda: session
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
    app.dependency_overrides.clear()


@pytest.fixture
async def ada(session):
    session.add(user := User(name="Ada"))
    await session.flush()
    return user
"""
TESTS = """
import asyncio

from sqlalchemy import func, select

from app.models import User


async def test_rows(client, session, ada):
    assert (await client.get("/users")).json() == ["Ada"]
    assert (await client.post("/users", json={"name": "Grace"})).status_code == 201
    assert await session.scalar(select(func.count(User.id))) == 2
    assert (await session.scalars(select(User).order_by(User.id))).first() is ada


async def test_none(client):
    assert (await client.get("/users")).json() == []
"""
MANUAL = """
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import StaticPool

from app.db import get_db
from app.main import app
from app.models import Base

engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
TestingSessionLocal = sessionmaker(autocommit=False, autoflush=False, bind=engine)

Base.metadata.create_all(bind=engine)


def override_get_db():
    try:
        db = TestingSessionLocal()
        yield db
    finally:
        db.close()


app.dependency_overrides[get_db] = override_get_db

client = TestClient(app)


def test_one():
    assert client.post("/users", json={"name": "Ada"}).status_code == 201
    assert client.get("/users").json() == ["Ada"]
"""


def migrate(project: Project) -> str:
    """Take the recipes out of a project, and return what its tests' files have then."""
    migration = migrated(read(project.root), [DATABASE])
    assert (migration.left, migration.defects) == ((), ())
    for change in migration.changes:
        change.file.write_bytes(change.after)
    return "\n".join(change.after.decode() for change in migration.changes)


def write(project: Project, db: str, files: dict[str, str]) -> Project:
    """Write an application and a suite."""
    for name, text in {**application(db), "pytest.ini": INI, **files}.items():
        project.write_path(name, text)
    return project


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///./app.db", URL], ids=["sqlite", "postgresql"])
def test_one_connection_with_savepoints(empty_project: Project, url: str, tmp_path: Path) -> None:
    """The suite passes with its recipe, and with none; then ten requests at once have ten transactions."""
    db = ASYNC.replace("sqlite+aiosqlite:///./app.db", url)
    project = write(empty_project, db, {"tests/conftest.py": SAVEPOINTS, "tests/test_users.py": TESTS})
    project.environment["HERMETIC_CACHE"] = str(with_initdb(tmp_path / "cache"))
    assert project.pytest().outcomes() == {"passed": 2}
    text = migrate(project)
    assert "return async_db_session" in text
    assert "transaction" not in text
    many = (
        "\n\nasync def test_many(client):\n"
        '    requests = [client.post("/users", json={"name": str(number)}) for number in range(10)]\n'
        "    assert {each.status_code for each in await asyncio.gather(*requests)} == {201}\n"
    )
    tests = project.root / "tests/test_users.py"
    tests.write_text(f"{tests.read_text()}{many}")
    assert project.pytest().outcomes() == {"passed": 3}


def test_the_manual_s_recipe(empty_project: Project) -> None:
    """An engine in memory at the top of a test module; then the application's own engine is used, and put back."""
    again = MANUAL.replace("def test_one", "def test_again")
    files = {"tests/__init__.py": "", "tests/test_one.py": MANUAL}
    project = write(empty_project, SYNC, files)
    assert project.pytest("--hermetic=off").outcomes() == {"passed": 1}
    project.write_path("tests/test_again.py", again)
    assert "create_engine" not in migrate(project)
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}
    assert not Path(project.root / "app.db").exists()
