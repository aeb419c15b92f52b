"""Applications without SQLAlchemy get the worker database by its URL, known before anything of theirs is imported."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import Project

INI = """
[pytest]
hermetic_app = notes:app
hermetic_schema = schema.sql
hermetic_seed = seeds:first
hermetic_env = {env}
pythonpath = .
asyncio_mode = auto
asyncio_default_fixture_loop_scope = {scope}
asyncio_default_test_loop_scope = {scope}
"""

APP = """
import os
from contextlib import asynccontextmanager

from fastapi import FastAPI

DATABASE_URL = os.environ["DATABASE_URL"]  # read at import, as settings are
{opening}

app = FastAPI(lifespan=lifespan)


@app.post("/notes", status_code=201)
async def create(body: dict):
    return await insert(body["text"])


@app.get("/notes")
async def notes():
    return await select()
"""

ASYNCPG = """
import asyncpg


@asynccontextmanager
async def lifespan(app):
    global pool
    async with asyncpg.create_pool(DATABASE_URL, min_size=1) as pool:
        yield


async def insert(text):
    async with pool.acquire() as connection, connection.transaction():
        return await connection.fetchval("INSERT INTO notes (text) VALUES ($1) RETURNING id", text)


async def select():
    return [row["text"] for row in await pool.fetch("SELECT text FROM notes ORDER BY id")]
"""

PSYCOPG = """
from psycopg_pool import AsyncConnectionPool


@asynccontextmanager
async def lifespan(app):
    global pool
    async with AsyncConnectionPool(DATABASE_URL, min_size=1, open=False) as pool:
        yield


async def insert(text):
    async with pool.connection() as connection:
        cursor = await connection.execute("INSERT INTO notes (text) VALUES (%s) RETURNING id", [text])
        return (await cursor.fetchone())[0]


async def select():
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT text FROM notes ORDER BY id")
        return [row[0] for row in await cursor.fetchall()]
"""

TESTS = """
import pytest
from fastapi.testclient import TestClient


@pytest.mark.parametrize("again", range(3))
async def test_async(async_client, async_test_db, again):
    assert (await async_client.post("/notes", json={"text": "mine"})).json() == 2
    assert (await async_client.get("/notes")).json() == ["seeded", "mine"]


@pytest.mark.parametrize("again", range(2))
def test_sync(hermetic_app, again):
    with TestClient(hermetic_app) as client:
        assert client.post("/notes", json={"text": "mine"}).json() == 2
"""


@pytest.fixture
def notes(empty_project: Project) -> Project:
    """A project with a schema, a seed row and the tests, but for its application."""
    return empty_project.write(
        schema_sql="CREATE TABLE notes (id serial PRIMARY KEY, text text NOT NULL);",
        seeds_py="""
        from sqlalchemy import Connection, text

        def first(connection: Connection) -> None:
            connection.execute(text("INSERT INTO notes (text) VALUES ('seeded')"))
        """,
        test_notes_py=TESTS,
    )


@pytest.mark.parametrize("scope", ["function", "session"])
@pytest.mark.parametrize("opening", [ASYNCPG, PSYCOPG], ids=["asyncpg", "psycopg"])
def test_a_pool_of_the_driver_s_own(notes: Project, opening: str, scope: str) -> None:
    """``{dsn}`` names no driver; what the pool's connections commit is undone, and no module named PostgreSQL."""
    notes.write(
        pytest_ini=INI.format(env="DATABASE_URL={dsn}", scope=scope), notes_py=APP.format(opening=opening)
    )
    result = notes.pytest("-o", "hermetic_database=postgresql")
    assert result.outcomes() == {"passed": 5}, result.output


@pytest.mark.parametrize("place", ["the environment", ".env"])
def test_the_variable_says_which_database_and_driver(notes: Project, place: str) -> None:
    """``{url}`` gets the backend and the form that the variable had: without a driver, for asyncpg itself."""
    known = "postgresql://notes:secret@db.example/notes"
    notes.write(
        pytest_ini=INI.format(env="DATABASE_URL={url}", scope="session"), notes_py=APP.format(opening=ASYNCPG)
    )
    if place == ".env":
        notes.write_path(".env", f'export DATABASE_URL="{known}"\n')
    else:
        notes.environment["DATABASE_URL"] = known
    result = notes.pytest()
    assert result.outcomes() == {"passed": 5}, result.output


LIFESPAN = """
[pytest]
hermetic_app = notes:app
hermetic_env = DATABASE_URL={{dsn}}
pythonpath = .
asyncio_mode = auto
asyncio_default_fixture_loop_scope = {scope}
asyncio_default_test_loop_scope = {scope}
"""

MAKING = """
        async with pool.{acquire}() as connection:
            await connection.execute("CREATE TABLE IF NOT EXISTS notes (id serial, text text)")
        yield"""

TESTS_OF_LIFESPAN = """
import pytest

@pytest.mark.parametrize("again", range(3))
async def test_it(async_client, again):
    assert (await async_client.post("/notes", json={"text": "mine"})).json() == 1
"""


@pytest.mark.parametrize("scope", ["function", "session"])
@pytest.mark.parametrize("opening", [ASYNCPG, PSYCOPG], ids=["asyncpg", "psycopg"])
def test_an_application_that_makes_its_tables(empty_project: Project, opening: str, scope: str) -> None:
    """Its start-up is the first to connect: role and database are there, although nothing says what tables it has."""
    making = MAKING.format(acquire="acquire" if opening is ASYNCPG else "connection")
    empty_project.write(
        pytest_ini=LIFESPAN.format(scope=scope),
        notes_py=APP.format(opening=opening.replace("\n        yield", making)),
        test_notes_py=TESTS_OF_LIFESPAN,
    )
    result = empty_project.pytest("-o", "hermetic_database=postgresql")
    assert result.outcomes() == {"passed": 3}, result.output


def test_a_program_that_makes_the_tables(empty_project: Project) -> None:
    """A subprocess is seen by nobody, and is handed the URL all the same: the database is there when it connects."""
    empty_project.write(
        pytest_ini=LIFESPAN.format(scope="session") + "hermetic_schema = making:tables\n",
        notes_py=APP.format(opening=ASYNCPG),
        making_py="""
        import os
        import subprocess
        import sys

        MAKING = '''
        import sys, psycopg
        with psycopg.connect(sys.argv[1]) as connection:
            connection.execute("CREATE TABLE notes (id serial, text text)")
        '''

        def tables():
            subprocess.run([sys.executable, "-c", MAKING.strip(), os.environ["DATABASE_URL"]], check=True)
        """,
        test_notes_py=TESTS_OF_LIFESPAN,
    )
    result = empty_project.pytest("-o", "hermetic_database=postgresql")
    assert result.outcomes() == {"passed": 3}, result.output
