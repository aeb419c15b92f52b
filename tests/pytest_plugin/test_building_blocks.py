"""The building blocks that a project overrides in its conftest."""

from __future__ import annotations

from tests.pytest_plugin.project import INI, Project


def test_the_application(project: Project) -> None:
    """``hermetic_app`` may be overridden, by a fixture of the function scope too."""
    project.write(
        conftest_py="""
import pytest
from fastapi import FastAPI

@pytest.fixture
def hermetic_app():
    app = FastAPI()

    @app.get("/who")
    async def who():
        return "mine"

    return app
""",
        test_a_py="""
async def test_it(async_client):
    assert (await async_client.get("/who")).json() == "mine"
""",
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output


def test_the_url(project: Project) -> None:
    """``hermetic_url`` says what the sessions of the fixtures are on: here a second database of the application's."""
    project.write(
        conftest_py="""
import pytest

@pytest.fixture(scope="session")
def hermetic_url():
    return "sqlite+aiosqlite:///another.db"
""",
        test_a_py="""
from sqlalchemy import text

async def test_it(async_client, async_test_db):
    await async_client.post("/users", json={"name": "elsewhere"})
    assert (await async_test_db.execute(text("SELECT count(*) FROM users"))).scalar() == 0
""",
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output


def test_one_session_under_two_names(project: Project) -> None:
    """``async_test_db`` and ``async_db_session`` are one session that does not expire on commit."""
    project.write(
        test_a_py="""
from shop import User

async def test_it(async_test_db, async_db_session, hermetic_database):
    assert async_test_db is async_db_session
    user = User(name="x")
    async_db_session.add(user)
    await async_db_session.commit()
    assert (user.id, user.name) == (1, "x")
    await async_db_session.close()
    assert hermetic_database.restore() is True
    assert hermetic_database.restore() is False
    assert await async_db_session.get(User, 1) is None
"""
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output


def test_a_seed_and_a_users_own_client(project: Project) -> None:
    """Every test starts from the seed rows, whatever client it uses."""
    project.write(
        seeds_py="""
from shop import User

async def rows(session):
    session.add(User(name="seeded"))
""",
        test_a_py="""
import httpx2
import pytest
from fastapi.testclient import TestClient
from shop import app

@pytest.fixture
async def own_client():
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://own") as client:
        yield client

@pytest.mark.parametrize("again", range(2))
async def test_async(own_client, again):
    assert (await own_client.get("/users")).json() == ["seeded"]
    assert (await own_client.post("/users", json={"name": "x"})).json()["id"] == 2

@pytest.mark.parametrize("again", range(2))
def test_sync(again):
    with TestClient(app) as client:
        assert client.get("/users").json() == ["seeded"]
        assert client.post("/users", json={"name": "x"}).json()["id"] == 2
""",
    )
    result = project.pytest("-o", "hermetic_seed=seeds:rows", "-o", "asyncio_default_test_loop_scope=session")
    assert result.outcomes() == {"passed": 4}, result.output


def test_sqlmodel(empty_project: Project) -> None:
    """Where the application uses SQLModel, the session and the seed's session have ``exec``."""
    empty_project.write(
        shop_py="""
        from fastapi import FastAPI
        from sqlalchemy.ext.asyncio import create_async_engine
        from sqlmodel import Field, SQLModel, select
        from sqlmodel.ext.asyncio.session import AsyncSession

        engine = create_async_engine("sqlite+aiosqlite:///./production.db")


        class User(SQLModel, table=True):
            id: int | None = Field(default=None, primary_key=True)
            name: str


        async def rows(session: AsyncSession):
            assert (await session.exec(select(User))).all() == []
            session.add(User(name="seeded"))


        app = FastAPI()


        @app.post("/users")
        async def create(user: User) -> User:
            async with AsyncSession(engine, expire_on_commit=False) as session:
                session.add(user)
                await session.commit()
            return user
        """,
        pytest_ini=INI + "hermetic_schema = sqlmodel:SQLModel.metadata\nhermetic_seed = shop:rows\n",
        test_a_py="""
        from shop import User
        from sqlmodel import select


        async def test_it(async_client, async_db_session):
            assert (await async_client.post("/users", json={"name": "Ada"})).json()["id"] == 2
            users = (await async_db_session.exec(select(User.name).order_by(User.id))).all()
            assert users == ["seeded", "Ada"]
            assert (await async_db_session.execute(select(User.id))).scalars().all() == [1, 2]
        """,
    )
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output
