"""Pools of raw drivers that live as long as the run, while the schema changes under them and comes back."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import Project

INI = """
[pytest]
hermetic_app = notes:app
hermetic_database = postgresql
hermetic_schema = schema.sql
hermetic_env = DATABASE_URL={{dsn}}
hermetic_lifespan_scope = {lifespan}
pythonpath = .
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = session
"""

ASYNCPG = """
import asyncpg

def pool_of(url):
    return asyncpg.create_pool(url, min_size=1, max_size=1)

def lent(pool):
    return pool.acquire()

async def value(connection, statement):
    return await connection.fetchval(statement)
"""

PSYCOPG = """
from psycopg_pool import AsyncConnectionPool

def pool_of(url):
    return AsyncConnectionPool(url, min_size=1, max_size=1, open=False, kwargs={{"autocommit": True}}{check})

def lent(pool):
    return pool.connection()

async def value(connection, statement):
    return (await (await connection.execute(statement)).fetchone())[0]
"""

APP = """
import os
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request

from pools import lent, pool_of, value


@asynccontextmanager
async def lifespan(app):
    async with pool_of(os.environ["DATABASE_URL"]) as pool:
        async with lent(pool) as connection:
            {start_up}
        yield {{"pool": pool}}


app = FastAPI(lifespan=lifespan)


@app.post("/notes")
async def add(request: Request):
    async with lent(request.state.pool) as connection:
        return await value(connection, "INSERT INTO notes DEFAULT VALUES RETURNING id")


@app.get("/columns/{{table}}")
async def columns(table: str, request: Request):
    async with lent(request.state.pool) as connection:
        return await value(connection, f"SELECT to_json(t)::text FROM {{table}} t")


@app.get("/pid")
async def pid(request: Request):
    async with lent(request.state.pool) as connection:
        return await value(connection, "SELECT pg_backend_pid()")


@app.post("/run")
async def run(request: Request):
    async with lent(request.state.pool) as connection:
        await connection.execute((await request.body()).decode())
"""

TESTS = """
import pytest

seen = set()


@pytest.mark.parametrize("again", range(4))
async def test_rows(async_client, again):
    assert (await async_client.post("/notes")).json() == 1
    seen.add((await async_client.get("/pid")).json())


async def test_it_was_one_connection(async_client):
    assert len(seen) == {pids}


@pytest.mark.parametrize("again", range(2))
async def test_something_added(async_client, again):
    await async_client.post("/run", content="CREATE TABLE added (a integer); INSERT INTO added VALUES (1)")
    assert (await async_client.get("/columns/added")).json() == '{{"a":1}}'


async def test_something_else_added(async_client):
    await async_client.post("/run", content="CREATE TABLE added (b text); INSERT INTO added VALUES ('x')")
    assert (await async_client.get("/columns/added")).json() == '{{"b":"x"}}'


@pytest.mark.parametrize("again", range(2))
async def test_something_altered(async_client, again):
    assert (await async_client.get("/columns/other")).json() == '{{"id":1}}'
    await async_client.post("/run", content="ALTER TABLE other ADD more integer; ALTER TABLE notes ADD n integer")
    assert '"more":null' in (await async_client.get("/columns/other")).json()


async def test_after(async_client):
    assert (await async_client.get("/columns/other")).json() == '{{"id":1}}'
    assert (await async_client.post("/notes")).json() == 1
"""

START_UPS = {
    "nothing": 'await value(connection, "SELECT 1")',
    "additive": 'await connection.execute("CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY)")',
    "altering": 'await connection.execute("ALTER TABLE notes ADD COLUMN IF NOT EXISTS later integer")',
}

NOTES = "CREATE TABLE notes (id serial PRIMARY KEY);"
OTHER = "CREATE TABLE other (id serial PRIMARY KEY); INSERT INTO other DEFAULT VALUES;"

POOLS = {
    "asyncpg": ASYNCPG,
    "psycopg": PSYCOPG.format(check=""),
    "psycopg-check": PSYCOPG.format(check=", check=AsyncConnectionPool.check_connection"),
}


@pytest.mark.parametrize(
    ("pool", "lifespan", "start_up"),
    [
        *(("asyncpg", "session", each) for each in START_UPS),
        *(("psycopg", "session", each) for each in START_UPS),
        ("psycopg-check", "session", "additive"),
        *((pool, "function", "additive") for pool in POOLS),
    ],
)
def test_a_pool_while_the_schema_changes(
    empty_project: Project, pool: str, lifespan: str, start_up: str
) -> None:
    """Nobody's connection is pulled from under a request, whatever start-up and tests do to the schema."""
    empty_project.write(
        pytest_ini=INI.format(lifespan=lifespan),
        schema_sql=OTHER if start_up == "additive" else NOTES + OTHER,
        pools_py=POOLS[pool],
        notes_py=APP.format(start_up=START_UPS[start_up]),
        test_notes_py=TESTS.format(pids=4 if lifespan == "function" else 1),
    )
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 11}, result.output
