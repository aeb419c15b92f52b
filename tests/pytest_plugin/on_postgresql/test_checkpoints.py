"""Suites that make their tables themselves: in a session fixture, in the application's start-up, or for each test."""

from __future__ import annotations

from tests.pytest_plugin.project import INI, Project

COUNTING = """
import pytest
from shop import Base, SessionLocal, User, engine
from sqlalchemy import text


async def where(session):
    return await session.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
"""


def test_create_all_in_a_session_fixture(project: Project) -> None:
    """Its tables and rows are the baseline of all tests, which clone nothing: the database stays the same one."""
    project.write(
        empty_sql="SELECT 1;",
        pytest_ini=INI + "hermetic_schema = empty.sql\nasyncio_default_test_loop_scope = session\n",
        conftest_py=COUNTING
        + """
@pytest.fixture(scope="session", autouse=True)
async def tables():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with SessionLocal() as session:
        session.add(User(name="admin"))
        await session.commit()
    yield
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)


@pytest.fixture(scope="module")
async def catalogue(tables):
    async with SessionLocal() as session:
        session.add(User(name="catalogue"))
        await session.commit()
""",
        test_a_py="""
        from conftest import where

        seen = set()

        async def test_one(catalogue, async_client, async_test_db):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 3
            seen.add(await where(async_test_db))

        async def test_two(async_client, async_test_db):
            assert (await async_client.get("/users")).json() == ["admin", "catalogue"]
            seen.add(await where(async_test_db))
            assert len(seen) == 1
        """,
        test_b_py="""
        async def test_three(async_client):
            assert (await async_client.get("/users")).json() == ["admin"]
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output


def test_create_all_and_drop_all_for_each_test(project: Project) -> None:
    """A suite that still does it keeps passing, in a loop that lives as long as the run and in one a test."""
    project.write(
        pytest_ini=INI + "hermetic_schema = shop:Base.metadata\n",
        conftest_py=COUNTING
        + """
@pytest.fixture(autouse=True)
async def tables():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
""",
        test_a_py="""
        import pytest

        @pytest.mark.parametrize("again", range(4))
        async def test_post(async_client, again):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
            assert (await async_client.get("/users")).json() == ["x"]
        """,
    )
    for scope in ("session", "function"):
        result = project.pytest("-o", f"asyncio_default_test_loop_scope={scope}")
        assert result.outcomes() == {"passed": 4}, result.output


def test_tables_made_by_the_application_s_start_up(project: Project) -> None:
    """With ``hermetic_schema = lifespan`` they are there before the first test, and made once."""
    project.write_path(
        "starting.py",
        """
        from contextlib import asynccontextmanager

        from shop import Base, SessionLocal, User, app, engine


        @asynccontextmanager
        async def lifespan(app):
            async with engine.begin() as connection:
                await connection.run_sync(Base.metadata.create_all)
            yield
            await engine.dispose()


        app.router.lifespan_context = lifespan
        """,
    )
    project.write(
        pytest_ini=INI.replace("shop:app", "starting:app") + "hermetic_schema = lifespan\n",
        test_a_py="""
        import pytest

        @pytest.mark.parametrize("again", range(3))
        async def test_post(async_client, again):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output


def test_ddl_in_a_test_is_undone(project: Project) -> None:
    """Tables that are made or dropped, a type, a schema: gone or back at the next test, on pooled connections."""
    project.write(
        test_a_py="""
        import pytest
        from shop import engine
        from sqlalchemy import text

        DDL = [
            "CREATE TABLE extra (id int)",
            "CREATE SCHEMA tenant",
            "CREATE TABLE tenant.rows (id int)",
            "CREATE TYPE mood AS ENUM ('good')",
            "ALTER TABLE users ADD COLUMN age int",
        ]

        @pytest.mark.parametrize("again", range(3))
        @pytest.mark.parametrize("last", [None, "DROP TABLE users"])
        async def test_ddl(async_client, again, last):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
            async with engine.begin() as connection:
                for statement in DDL:
                    await connection.execute(text(statement))
                if last:
                    await connection.execute(text(last))

        async def test_after(async_client, async_test_db):
            assert (await async_client.get("/users")).json() == []
            left = await async_test_db.scalars(text(
                "SELECT relname::text FROM pg_class WHERE relname IN ('extra', 'rows')"
                " UNION SELECT nspname FROM pg_namespace WHERE nspname = 'tenant'"
                " UNION SELECT typname FROM pg_type WHERE typname = 'mood'"
                " UNION SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'age'"
            ))
            assert left.all() == []
        """
    )
    for scope in ("session", "function"):
        result = project.pytest("-o", f"asyncio_default_test_loop_scope={scope}")
        assert result.outcomes() == {"passed": 7}, result.output
