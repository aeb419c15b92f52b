"""Databases that code under test makes by ``CREATE DATABASE``: on hermetic's server, restored, and gone in the end."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import Project

CREATING = """
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

SERVER = "postgresql+psycopg2://me:secret@db.example"
maintenance = create_engine(f"{SERVER}/postgres", isolation_level="AUTOCOMMIT")
own = create_engine(f"{SERVER}/own")


def execute(engine, *statements):
    with engine.begin() as connection:
        return [connection.execute(text(statement)) for statement in statements][-1]


def values(engine, query):
    with engine.connect() as connection:
        return list(connection.execute(text(query)).scalars())


def names():
    return values(maintenance, "SELECT datname FROM pg_database WHERE datname IN ('own', 'Other one')")
"""


def test_one_of_a_session_fixture(project: Project) -> None:
    """An engine for it ends there; what tests write is undone, and the fixture itself may drop it."""
    project.write(
        conftest_py=CREATING
        + """
@pytest.fixture(scope="session", autouse=True)
def made():
    execute(maintenance, "CREATE DATABASE own")
    execute(own, "CREATE TABLE notes (id serial PRIMARY KEY, text text)", "INSERT INTO notes (text) VALUES ('first')")
    yield
    assert values(own, "SELECT text FROM notes") == ["first"]
    own.dispose()
    execute(maintenance, "DROP DATABASE own")
    assert names() == []
    print("dropped")
""",
        test_a_py="""
        import pytest
        from conftest import execute, own, values

        @pytest.mark.parametrize("again", range(2))
        def test_it(again, hermetic_url):
            assert values(own, "SELECT current_database()") == ["own"]
            assert "hermetic_w_" in hermetic_url
            execute(own, "INSERT INTO notes (text) VALUES ('mine')")
            assert values(own, "SELECT id FROM notes ORDER BY id") == [1, 2]
        """,
    )
    result = project.pytest("-s")
    assert result.outcomes() == {"passed": 2}, result.output
    assert "dropped" in result.output


def test_a_process_that_fills_it(project: Project) -> None:
    """Its URL, an argument or a variable, leads it to hermetic's server; what it writes in a test is undone."""
    project.write(
        test_a_py=CREATING
        + """
import os
import subprocess
import sys

FILL = (
    "import os, sys, sqlalchemy as sa\\n"
    "engine = sa.create_engine((sys.argv[1:] or [os.environ.get('OWN_URL')])[0])\\n"
    "with engine.begin() as c:\\n"
    "    c.execute(sa.text('CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY)'))\\n"
    "    c.execute(sa.text('INSERT INTO notes DEFAULT VALUES'))\\n"
)


@pytest.fixture(scope="session")
def filled():
    execute(maintenance, "CREATE DATABASE own")
    subprocess.run([sys.executable, "-c", FILL, f"{SERVER}/own"], check=True)


@pytest.mark.parametrize("again", range(2))
def test_it(filled, again):
    assert values(own, "SELECT id FROM notes") == [1]
    subprocess.run([sys.executable, "-c", FILL], env={**os.environ, "OWN_URL": f"{SERVER}/own"}, check=True)
    assert values(own, "SELECT id FROM notes ORDER BY id") == [1, 2]
"""
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output


def test_a_process_that_looks_for_it_elsewhere(project: Project) -> None:
    """It is outside, and asks a server where nobody has made the database: said, and what to hand it."""
    project.write(
        test_a_py=CREATING
        + """
import subprocess
import sys

import psycopg2


@pytest.fixture(scope="session")
def filled():
    execute(maintenance, "CREATE DATABASE own")
    psycopg2.connect(SERVER.replace("+psycopg2", "") + "/own").close()
    script = "raise SystemExit('FATAL:  database \\"own\\" does not exist')"
    subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)


def test_it(filled):
    pass
"""
    )
    result = project.pytest()
    assert result.outcomes() == {"errors": 1}, result.output
    assert "looked for the database own" in result.output, result.output
    assert "[HM758]" in result.output


def test_one_that_is_made_anew(project: Project) -> None:
    """It stays the suite's own, where what a test did to its schema is undone by a new copy of it."""
    project.write(
        conftest_py=CREATING
        + """
@pytest.fixture(scope="session", autouse=True)
def made():
    execute(maintenance, "CREATE DATABASE own")
    execute(own, "CREATE TABLE notes (id serial PRIMARY KEY, text text)")
    yield
    assert names() == ["own"]
    own.dispose()
    execute(maintenance, "DROP DATABASE own")
""",
        test_a_py="""
        import pytest
        from conftest import execute, own, values

        @pytest.mark.parametrize("again", range(3))
        def test_it(again):
            execute(own, "INSERT INTO notes (text) VALUES ('mine')", "ALTER TABLE notes DROP COLUMN text")
            assert values(own, "SELECT id FROM notes") == [1]
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output


def test_one_of_a_test(project: Project) -> None:
    """It is gone when the test ends, even though the test's engine is still connected to it."""
    project.write(
        test_a_py=CREATING
        + """
@pytest.mark.parametrize("again", range(2))
def test_it(again):
    assert names() == []
    execute(maintenance, 'CREATE DATABASE "Other one"', "CREATE DATABASE own")
    execute(own, "CREATE TABLE notes (id serial)", "INSERT INTO notes DEFAULT VALUES")
    assert values(own, "SELECT id FROM notes") == [1]
    assert names() == ["Other one", "own"]
"""
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output


def test_a_statement_that_fails(project: Project) -> None:
    """A database stays whose it was, and is restored, where it is made again or is not dropped after all."""
    project.write(
        conftest_py=CREATING
        + """
@pytest.fixture(scope="session", autouse=True)
def made():
    execute(maintenance, "CREATE DATABASE own")
    execute(own, "CREATE TABLE notes (id serial)")
""",
        test_a_py="""
        import pytest
        from conftest import SERVER, DBAPIError, create_engine, execute, maintenance, own, values

        in_transactions = create_engine(f"{SERVER}/postgres")

        @pytest.mark.parametrize("again", range(2))
        def test_it(again):
            execute(own, "INSERT INTO notes DEFAULT VALUES")
            with pytest.raises(DBAPIError, match="already exists"):
                execute(maintenance, "CREATE DATABASE own")
            with pytest.raises(DBAPIError, match="inside a transaction"):
                execute(in_transactions, "DROP DATABASE own")
            execute(own, "INSERT INTO notes DEFAULT VALUES")
            assert values(own, "SELECT id FROM notes") == [1, 2]
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output


RECIPE = """
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.util import greenlet_spawn
from sqlalchemy_utils import create_database, database_exists, drop_database

from shop import Base, User

URL = "postgresql+{driver}://me:secret@db.example/own_test"


def make():
    if database_exists(URL):
        drop_database(URL)
    create_database(URL)
    assert database_exists(URL)


def terminate():
    admin = create_engine("postgresql+psycopg2://me:secret@db.example/postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = 'own_test' AND pid <> pg_backend_pid()"
            )
        )
    admin.dispose()


def drop():
    terminate()
    drop_database(URL)
    assert not database_exists(URL)


@pytest.fixture(scope="{scope}")
async def engine():
    await greenlet_spawn(make)
    engine = create_async_engine("postgresql+asyncpg://me:secret@db.example/own_test")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield engine
    await engine.dispose()
    await greenlet_spawn(drop)


@pytest.mark.parametrize("again", range(3))
async def test_it(engine, again):
    async with AsyncSession(engine, expire_on_commit=False) as session:
        session.add(user := User(name="me"))
        await session.commit()
        assert user.id == 1
"""


@pytest.mark.parametrize("scope", ["session", "function"])
@pytest.mark.parametrize("driver", ["asyncpg", "psycopg2"])
def test_the_usual_recipe(project: Project, driver: str, scope: str) -> None:
    """SQLAlchemy-Utils makes and drops it, after ``pg_terminate_backend``: no session of ours is in the way."""
    project.write(test_a_py=RECIPE.format(driver=driver, scope=scope))
    result = project.pytest("-o", f"asyncio_default_test_loop_scope={scope}")
    assert result.outcomes() == {"passed": 3}, result.output


def test_copies_of_one_that_a_fixture_filled(project: Project) -> None:
    """A template of the suite's own, filled once and copied for each test or for the session: nobody is connected."""
    project.write(
        conftest_py=CREATING
        + """
@pytest.fixture(scope="session")
def template():
    execute(maintenance, "CREATE DATABASE template_test")
    filling = create_engine(f"{SERVER}/template_test")
    execute(filling, "CREATE TABLE notes (id serial PRIMARY KEY)", "INSERT INTO notes DEFAULT VALUES")
    filling.dispose()


@pytest.fixture(scope="session")
def wide(template):
    execute(maintenance, "CREATE DATABASE own TEMPLATE template_test")


@pytest.fixture
def narrow(template):
    execute(maintenance, "CREATE DATABASE copy TEMPLATE template_test")
    engine = create_engine(f"{SERVER}/copy")
    yield engine
    engine.dispose()
    execute(maintenance, "DROP DATABASE copy")
""",
        test_a_py="""
        import pytest
        from conftest import execute, own, values

        @pytest.mark.parametrize("again", range(3))
        def test_it(wide, narrow, again):
            for engine in (own, narrow):
                execute(engine, "INSERT INTO notes DEFAULT VALUES")
                assert values(engine, "SELECT id FROM notes ORDER BY id") == [1, 2]
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output


def test_an_engine_that_outlives_its_database(project: Project) -> None:
    """A pool that is kept by the name gets no dead connection of the last test's database of that name."""
    project.write(
        tenants_py="""
        from sqlalchemy.ext.asyncio import create_async_engine

        maintenance = create_async_engine("postgresql+asyncpg://me@db.example/postgres", isolation_level="AUTOCOMMIT")
        tenant = create_async_engine("postgresql+asyncpg://me@db.example/tenant")

        async def execute(engine, *statements):
            async with engine.begin() as connection:
                return [await connection.exec_driver_sql(statement) for statement in statements][-1]
        """,
        test_a_py="""
        import pytest
        from tenants import execute, maintenance, tenant

        @pytest.mark.parametrize("again", range(3))
        async def test_undone(again):
            await execute(maintenance, "CREATE DATABASE tenant")
            await execute(tenant, "CREATE TABLE notes (id serial)", "INSERT INTO notes DEFAULT VALUES")

        @pytest.mark.parametrize("again", range(3))
        async def test_dropped(again):
            for _ in range(2):
                await execute(maintenance, "CREATE DATABASE tenant")
                await execute(tenant, "CREATE TABLE notes (id serial)", "INSERT INTO notes DEFAULT VALUES")
                await execute(maintenance, "DROP DATABASE tenant WITH (FORCE)")
        """,
    )
    for loops in ("session", "function"):
        result = project.pytest("-o", f"asyncio_default_test_loop_scope={loops}")
        assert result.outcomes() == {"passed": 6}, result.output
