"""Applications with databases in memory: several are several, and a declared URL is one."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import INI, Project

FACTORY = """
import os
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import Column, Integer, MetaData, String, Table, func, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool

jobs_metadata, auth_metadata = MetaData(), MetaData()
jobs = Table("entries", jobs_metadata, Column("id", Integer, primary_key=True), Column("job", String(20)))
auth = Table("entries", auth_metadata, Column("id", Integer, primary_key=True), Column("token", String(20)))


def create_app():
    urls = {name: "sqlite+aiosqlite:///:memory:" for name in ("jobs", "auth")}
    engines = {name: create_async_engine(url, poolclass=StaticPool) for name, url in urls.items()}

    @asynccontextmanager
    async def lifespan(app):
        for name, metadata in (("jobs", jobs_metadata), ("auth", auth_metadata)):
            async with engines[name].begin() as connection:
                await connection.run_sync(metadata.create_all)
        yield
        for engine in engines.values():
            await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.post("/jobs")
    async def add_job() -> int:
        async with engines["jobs"].begin() as connection:
            await connection.execute(jobs.insert().values(job="x"))
            return (await connection.execute(select(func.count()).select_from(jobs))).scalar_one()

    @app.post("/tokens")
    async def add_token() -> int:
        async with engines["auth"].begin() as connection:
            await connection.execute(auth.insert().values(token="x"))
            return (await connection.execute(select(func.count()).select_from(auth))).scalar_one()

    return app
"""

SHARED = FACTORY.replace(
    '"sqlite+aiosqlite:///:memory:" for',
    'f"sqlite+aiosqlite:///file:{name}?mode=memory&cache=shared&uri=true" for',
)

IN_LIFESPAN = """
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import Column, Integer, MetaData, Table, func, select
from sqlalchemy.ext.asyncio import create_async_engine

metadata = MetaData()
rows = Table("rows", metadata, Column("id", Integer, primary_key=True))
main = create_async_engine("sqlite+aiosqlite:///:memory:")


@asynccontextmanager
async def lifespan(app):
    cache = create_async_engine("sqlite+aiosqlite:///:memory:")
    async with cache.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield {"cache": cache}
    await cache.dispose()


app = FastAPI(lifespan=lifespan)


async def add(engine) -> int:
    async with engine.begin() as connection:
        await connection.execute(rows.insert())
        return (await connection.execute(select(func.count()).select_from(rows))).scalar_one()


from starlette.requests import Request


@app.post("/main")
async def add_main() -> int:
    return await add(main)


@app.post("/cache")
async def add_cache(request: Request) -> int:
    return await add(request.state.cache)
"""

WITH_A_FACTORY = """
import pytest
from fastapi.testclient import TestClient
from shop import create_app


@pytest.fixture
def client():
    with TestClient(create_app()) as client:
        yield client


@pytest.mark.parametrize("time", range(3))
def test_two_databases(client, time):
    assert [client.post("/jobs").json() for _ in range(2)] == [1, 2]
    assert client.post("/tokens").json() == 1
"""

ON = """
[pytest]
hermetic = on
pythonpath = .
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
"""


@pytest.mark.parametrize("app", [FACTORY, SHARED, FACTORY.replace(", poolclass=StaticPool", "")])
@pytest.mark.parametrize("schema", ["", "hermetic_schema = lifespan", "hermetic_schema = shop:jobs_metadata"])
def test_a_factory_that_makes_two(empty_project: Project, app: str, schema: str) -> None:
    """Each call has two databases, which do not mix, whatever fills the first."""
    empty_project.write(shop_py=app, pytest_ini=f"{ON}{schema}\n", test_a_py=WITH_A_FACTORY)
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output


@pytest.mark.parametrize("arguments", [("-n", "1", "-p", "xdist"), ("--hermetic=observe",)])
def test_a_factory_elsewhere(empty_project: Project, arguments: tuple[str, ...]) -> None:
    """The same in a worker, and where hermetic only looks on."""
    empty_project.write(shop_py=FACTORY, pytest_ini=ON, test_a_py=WITH_A_FACTORY)
    result = empty_project.pytest(*arguments)
    assert result.outcomes() == {"passed": 3}, result.output


@pytest.mark.parametrize("scope", ["function", "session"])
def test_a_factory_of_an_async_suite(empty_project: Project, scope: str) -> None:
    """In the loop of a test or of the session, with a client of the suite's own."""
    empty_project.write(
        shop_py=FACTORY,
        pytest_ini=f"{ON}asyncio_default_test_loop_scope = {scope}\n",
        test_a_py="""
        import pytest
        from hermetic.client import AsyncTestClient
        from shop import create_app


        @pytest.mark.parametrize("time", range(3))
        async def test_two_databases(time):
            async with AsyncTestClient(create_app()) as client:
                assert [(await client.post("/jobs")).json() for _ in range(2)] == [1, 2]
                assert (await client.post("/tokens")).json() == 1
        """,
    )
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output


@pytest.mark.parametrize("scope", ["function", "session"])
def test_a_factory_whose_application_is_configured(empty_project: Project, scope: str) -> None:
    """``hermetic_app`` names the factory: its application, and those that tests make, have databases of their own."""
    empty_project.write(
        shop_py=FACTORY,
        pytest_ini=INI.replace("shop:app", "shop:create_app") + f"hermetic_lifespan_scope = {scope}\n",
        test_a_py="""
        import pytest
        from hermetic.client import AsyncTestClient
        from shop import create_app


        @pytest.mark.parametrize("time", range(3))
        async def test_two_databases(async_client, time):
            async with AsyncTestClient(create_app()) as client:
                for each in (client, async_client):
                    assert [(await each.post("/jobs")).json() for _ in range(2)] == [1, 2]
                    assert (await each.post("/tokens")).json() == 1
        """,
    )
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output


@pytest.mark.parametrize("scope", ["function", "session"])
def test_one_made_at_import_and_one_in_the_lifespan(empty_project: Project, scope: str) -> None:
    """The first has the schema that hermetic makes, the second what the lifespan makes; both are restored."""
    empty_project.write(
        shop_py=IN_LIFESPAN,
        pytest_ini=INI + f"hermetic_lifespan_scope = {scope}\nasyncio_default_test_loop_scope = session\n",
        test_a_py="""
        import pytest


        @pytest.mark.parametrize("time", range(3))
        async def test_two_databases(async_client, time):
            assert (await async_client.post("/cache")).json() == 1
            assert [(await async_client.post("/main")).json() for _ in range(2)] == [1, 2]
            assert (await async_client.post("/cache")).json() == 2
        """,
    )
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output


def test_no_database_of_a_test_is_left(empty_project: Project) -> None:
    """The number of databases that a restore looks at does not grow with the tests."""
    count = "    assert len(request.config.stash[RUN].databases.inventory.all()) == 2\n"
    empty_project.write(
        shop_py=FACTORY,
        pytest_ini=ON,
        test_a_py="from hermetic.pytest_plugin.state import RUN\n"
        + WITH_A_FACTORY.replace("range(3)", "range(50)").replace(
            "(client, time):", "(client, time, request):"
        )
        + count,
    )
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 50}, result.output


FIRST = """
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


@pytest.fixture
async def session():
    engine = create_async_engine("sqlite+aiosqlite:///:memory:")
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


@pytest.mark.parametrize("time", range(2))
async def test_posted(session, async_client, time):
    assert (await session.execute(text("SELECT name FROM users"))).scalars().all() == []
    await session.rollback()
    assert (await async_client.post("/users", json={"name": "posted"})).status_code == 201
    assert (await session.execute(text("SELECT name FROM users"))).scalars().all() == ["posted"]
"""


@pytest.mark.parametrize("declared", ["", "hermetic_env = DATABASE_URL=sqlite+aiosqlite:///:memory:\n"])
def test_a_tests_own_that_comes_first(project: Project, declared: str) -> None:
    """The application is imported before it is decided what a test's ``:memory:`` stands for."""
    shop = (project.root / "shop.py").read_text()
    project.write(
        shop_py=shop.replace("/./production.db", "/:memory:"), pytest_ini=INI + declared, test_a_py=FIRST
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
    assert "left alone" not in result.output


OWN = """
from sqlalchemy import create_engine, inspect


def test_it():
    assert inspect(create_engine("sqlite://")).get_table_names() == []
"""


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("", "the database in memory made at test_a.py:5: an in-memory database is the test's own"),
        (
            "\none, two = (create_async_engine('sqlite+aiosqlite:///:memory:') for _ in range(2))\n",
            "the database in memory made at test_a.py:5: an in-memory database is the test's own",
        ),
    ],
)
def test_a_tests_own_that_is_left_alone(project: Project, more: str, why: str) -> None:
    """Where the primary database is a file, it stands for none of the others; the closing lines say so."""
    shop = (project.root / "shop.py").read_text()
    project.write(shop_py=shop + more, test_a_py=OWN)
    result = project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output
    assert f"left alone, and not restored: {why}" in result.output
    assert "hermetic_env = NAME=sqlite+aiosqlite:///:memory:" in result.output


def test_a_tests_own_beside_two(project: Project) -> None:
    """Nor for one of two, where the primary one is in memory."""
    shop = (project.root / "shop.py").read_text().replace("/./production.db", "/:memory:")
    cache = "\ncache = create_async_engine('sqlite+aiosqlite:///:memory:')\n"
    project.write(shop_py=shop + cache, test_a_py=OWN)
    result = project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output
    assert "is the test's own: the application has 2 of them" in result.output


def test_engines_of_a_declared_url(project: Project) -> None:
    """A sync and an async engine of the application's, and a test's, are on one database."""
    shop = (project.root / "shop.py").read_text()
    shop = shop.replace('"sqlite+aiosqlite:///./production.db"', 'os.environ["DATABASE_URL"]')
    sync = "\nfrom sqlalchemy import create_engine\nsync = create_engine('sqlite://')\n"
    project.write(
        shop_py="import os\n" + shop + sync,
        pytest_ini=INI + "hermetic_env = DATABASE_URL=sqlite+aiosqlite:///:memory:\n",
        test_a_py="""
        from sqlalchemy import create_engine, text
        from shop import sync


        async def test_it(async_client, async_db_session):
            await async_client.post("/users", json={"name": "posted"})
            for engine in (sync, create_engine("sqlite://")):
                with engine.connect() as connection:
                    assert connection.scalar(text("SELECT name FROM users")) == "posted"
                engine.dispose()
            assert await async_db_session.scalar(text("SELECT name FROM users")) == "posted"
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output


def test_seed_rows_need_a_schema(empty_project: Project) -> None:
    """Where it is not known which tables the first database has, nothing can be written there: that is said."""
    empty_project.write(
        shop_py=FACTORY,
        seed_py="def seed(session): ...",
        pytest_ini=f"{ON}hermetic_seed = seed:seed\n",
        test_a_py=WITH_A_FACTORY,
    )
    result = empty_project.pytest()
    assert result.outcomes() == {"errors": 3}, result.output
    assert "hermetic_schema is not set, and 2 MetaData objects" in result.output
