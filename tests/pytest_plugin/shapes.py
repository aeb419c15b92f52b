"""Applications that use a database without SQLAlchemy, each as its library's documentation has it.

All have the same two requests, and name a database that no packet of a test may go to.
"""

from __future__ import annotations

from dataclasses import dataclass

POSTGRESQL = "postgres://somebody:secret@db.example:6432/production"

ROUTES = """

app = FastAPI(lifespan=lifespan)


@app.post("/notes", status_code=201)
async def create(body: dict):
    return await insert(body["text"])


@app.get("/notes")
async def notes():
    return await select()
"""

TESTS = """
import pytest


@pytest.mark.parametrize("again", range(3))
async def test_it(async_client, again):
    assert (await async_client.get("/notes")).json() == []
    await async_client.post("/notes", json={"text": "mine"})
    assert (await async_client.get("/notes")).json() == ["mine"]


async def test_two(async_client):
    await async_client.post("/notes", json={"text": "one"})
    await async_client.post("/notes", json={"text": "two"})
    assert (await async_client.get("/notes")).json() == ["one", "two"]
"""

INI = """
[pytest]
hermetic_app = notes:app
hermetic_schema = lifespan
hermetic_lifespan_scope = {scope}
pythonpath = .
asyncio_mode = auto
asyncio_default_fixture_loop_scope = {scope}
asyncio_default_test_loop_scope = {scope}
filterwarnings = error
"""


@dataclass(frozen=True)
class Shape:
    """An application.

    Attributes:
        source: Its module, but for the routes.
        further: Modules beside it, by name.
    """

    source: str
    further: tuple[tuple[str, str], ...] = ()

    def files(self, scope: str) -> dict[str, str]:
        """Return a project's files, with a lifespan, and loops, of this scope."""
        return {
            "pytest_ini": INI.format(scope=scope),
            "notes_py": f"{HEAD}{self.source}{ROUTES}",
            "test_notes_py": TESTS,
            **dict(self.further),
        }


HEAD = """
from contextlib import asynccontextmanager

from fastapi import FastAPI
"""

ASYNCPG = f"""
import asyncpg


@asynccontextmanager
async def lifespan(app):
    global pool
    pool = await asyncpg.create_pool("{POSTGRESQL}", min_size=1, max_size=4)
    await pool.execute("CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY, text text)")
    yield
    await pool.close()


async def insert(text):
    return await pool.fetchval("INSERT INTO notes (text) VALUES ($1) RETURNING id", text)


async def select():
    return [row["text"] for row in await pool.fetch("SELECT text FROM notes ORDER BY id")]
"""

TORTOISE = """
from tortoise import Model, fields
from tortoise.contrib.fastapi import RegisterTortoise


class Note(Model):
    id = fields.IntField(primary_key=True)
    text = fields.TextField()


@asynccontextmanager
async def lifespan(app):
    async with RegisterTortoise(app, db_url="{url}", modules={{"models": ["notes"]}}, generate_schemas=True):
        yield


async def insert(text):
    return (await Note.create(text=text)).id


async def select():
    return [note.text for note in await Note.all().order_by("id")]
"""

PICCOLO = """
from piccolo.columns import Text
from piccolo.table import Table, create_db_tables

from piccolo_conf import DB


class Note(Table, db=DB):
    text = Text()


@asynccontextmanager
async def lifespan(app):
    {start}
    await create_db_tables(Note, if_not_exists=True)
    yield
    {stop}


async def insert(text):
    note = Note(text=text)
    await note.save()
    return note.id


async def select():
    return await Note.select(Note.text).order_by(Note.id).output(as_list=True)
"""

CHECKPOINTER = f"""
import asyncio

from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

MIGRATIONS = [
    "CREATE TABLE IF NOT EXISTS checkpoint_migrations (v INTEGER PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS checkpoints (id serial PRIMARY KEY, thread_id text, checkpoint jsonb)",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS checkpoints_thread ON checkpoints (thread_id)",
]


class Saver:
    \"\"\"As LangGraph's: its tables made by itself, a lock, prepared statements off, in autocommit.\"\"\"

    def __init__(self, pool):
        self.pool = pool
        self.lock = asyncio.Lock()

    async def setup(self):
        async with self.pool.connection() as connection:
            for version, migration in enumerate(MIGRATIONS):
                await connection.execute(migration)
                await connection.execute(
                    "INSERT INTO checkpoint_migrations VALUES (%s) ON CONFLICT DO NOTHING", (version,)
                )


@asynccontextmanager
async def lifespan(app):
    global saver
    options = {{"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}}
    async with AsyncConnectionPool("{POSTGRESQL}", max_size=4, kwargs=options, open=False) as pool:
        saver = Saver(pool)
        await saver.setup()
        yield


async def insert(text):
    query = "INSERT INTO checkpoints (thread_id, checkpoint) VALUES ('one', %s) RETURNING id"
    async with saver.lock, saver.pool.connection() as connection, connection.pipeline(), connection.cursor() as cursor:
        await cursor.execute(query, (Jsonb({{"text": text}}),))
        return (await cursor.fetchone())["id"]


async def select():
    async with saver.pool.connection() as connection:
        cursor = await connection.execute("SELECT checkpoint FROM checkpoints ORDER BY id")
        return [row["checkpoint"]["text"] for row in await cursor.fetchall()]
"""

PROCRASTINATE = f"""
import asyncio

import psycopg
from psycopg_pool import AsyncConnectionPool

JOBS = \"\"\"
CREATE TABLE notes (id serial PRIMARY KEY, text text);
CREATE TABLE jobs (id serial PRIMARY KEY, text text, status text DEFAULT 'todo');
CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN PERFORM pg_notify(''jobs'', NEW.id::text); RETURN NEW; END';
CREATE TRIGGER announce AFTER INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION announce();
\"\"\"
FETCH = \"\"\"
UPDATE jobs SET status = 'doing' WHERE id = (
    SELECT id FROM jobs WHERE status = 'todo' ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1
) RETURNING id, text
\"\"\"
done = asyncio.Event()


async def listen():
    \"\"\"A connection of its own that hears of jobs; the worker looks for them.\"\"\"
    async with await psycopg.AsyncConnection.connect("{POSTGRESQL}", autocommit=True) as connection:
        await connection.execute("LISTEN jobs")
        listening.set()
        async for _ in connection.notifies():
            await work()


async def work():
    async with pool.connection() as connection:
        while row := await (await connection.execute(FETCH)).fetchone():
            await connection.execute("INSERT INTO notes (text) VALUES (%s)", [row[1]])
            await connection.execute("UPDATE jobs SET status = 'done' WHERE id = %s", [row[0]])
    done.set()


@asynccontextmanager
async def lifespan(app):
    global pool, listening, done
    listening, done = asyncio.Event(), asyncio.Event()
    async with AsyncConnectionPool("{POSTGRESQL}", min_size=1, open=False) as pool:
        async with pool.connection() as connection:
            if (await (await connection.execute("SELECT to_regclass('jobs')")).fetchone())[0] is None:
                await connection.execute(JOBS)
        listener = asyncio.create_task(listen())
        await listening.wait()
        yield
        listener.cancel()
        await asyncio.wait([listener])


async def insert(text):
    done.clear()
    async with pool.connection() as connection:
        await connection.execute("INSERT INTO jobs (text) VALUES (%s)", [text])
    await done.wait()


async def select():
    async with pool.connection() as connection:
        return [row[0] for row in await (await connection.execute("SELECT text FROM notes ORDER BY id")).fetchall()]
"""

TASKIQ = f"""
import asyncpg
from taskiq import InMemoryBroker

broker = InMemoryBroker(await_inplace=True)


@broker.task
async def write(text: str) -> int:
    return await pool.fetchval("INSERT INTO notes (text) VALUES ($1) RETURNING id", text)


@asynccontextmanager
async def lifespan(app):
    global pool
    async with asyncpg.create_pool("{POSTGRESQL}", min_size=1) as pool:
        await pool.execute("CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY, text text)")
        await broker.startup()
        yield
        await broker.shutdown()


async def insert(text):
    task = await write.kiq(text)
    return (await task.wait_result()).return_value


async def select():
    return [row["text"] for row in await pool.fetch("SELECT text FROM notes ORDER BY id")]
"""

_PICCOLO_POSTGRESQL = """
from piccolo.engine.postgres import PostgresEngine

DB = PostgresEngine(config={"host": "db.example", "port": 6432, "user": "somebody", "database": "production"})
"""
_PICCOLO_SQLITE = """
from piccolo.engine.sqlite import SQLiteEngine

DB = SQLiteEngine(path="production.sqlite")
"""

ON_POSTGRESQL = {
    "asyncpg": Shape(ASYNCPG),
    "Tortoise": Shape(TORTOISE.format(url=POSTGRESQL.replace("postgres:", "asyncpg:"))),
    "Piccolo": Shape(
        PICCOLO.format(start="await DB.start_connection_pool()", stop="await DB.close_connection_pool()"),
        (("piccolo_conf_py", _PICCOLO_POSTGRESQL),),
    ),
    "LangGraph's checkpointer": Shape(CHECKPOINTER),
    "procrastinate": Shape(PROCRASTINATE),
    "taskiq": Shape(TASKIQ),
}

ON_SQLITE = {
    "Tortoise": Shape(TORTOISE.format(url="sqlite://production.db")),
    "Piccolo": Shape(PICCOLO.format(start="", stop=""), (("piccolo_conf_py", _PICCOLO_SQLITE),)),
}
