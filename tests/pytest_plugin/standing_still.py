"""Tests that would stand still for ever, and tests that only look so, on the backend of the example application."""

from __future__ import annotations

import re

from tests.pytest_plugin.project import Project, Result

CONFTEST = """
import pytest
from sqlalchemy import create_engine

from hermetic.database import lock_waits

lock_waits.PAUSE, lock_waits.FIRST_LOOK, lock_waits.PATIENCE = 0.1, 0.2, 0.4

@pytest.fixture
def sync_engine(hermetic_database):
    engine = create_engine(hermetic_database.sync_url)
    yield engine
    engine.dispose()
"""

HEAD = """
import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anyio.to_thread
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import insert, text
from starlette.middleware.base import BaseHTTPMiddleware

from shop import Base, SessionLocal, User, app, engine

ADD = insert(User).values(id=1, name="x")
OTHER = insert(User).values(id=2, name="y")
SAME = text("UPDATE users SET name = name || 'x' WHERE id = 1")

LONG = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT count(*) FROM n"
    if engine.dialect.name == "sqlite"
    else "SELECT pg_sleep(0.9)"
)

def add(engine):
    with engine.begin() as connection:
        connection.execute(ADD)
"""

ENDED = (
    HEAD
    + """
async def poll():
    while True:
        await asyncio.sleep(0.02)

@pytest.fixture(scope="module", autouse=True)
async def poller():
    task = asyncio.create_task(poll())
    yield
    task.cancel()

async def test_two_sessions():
    async with SessionLocal() as one, SessionLocal() as other:
        await one.execute(ADD)
        await other.execute(ADD)

async def test_a_sync_engine_in_a_loop(sync_engine):
    async with engine.begin() as connection:
        await connection.execute(ADD)
        add(sync_engine)

async def test_a_thread_that_is_awaited(sync_engine):
    async with engine.begin() as connection:
        await connection.execute(ADD)
        await asyncio.to_thread(add, sync_engine)

def test_a_job(sync_engine):
    with ThreadPoolExecutor() as pool, sync_engine.begin() as connection:
        connection.execute(ADD)
        pool.submit(add, sync_engine).result()

def test_a_thread_that_holds(sync_engine):
    held, over = threading.Event(), threading.Event()

    def hold():
        with sync_engine.begin() as connection:
            connection.execute(ADD)
            held.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        add(sync_engine)
    finally:
        over.set()
        thread.join()

async def test_two_tasks():
    together, arrived = asyncio.Event(), []

    async def work():
        async with engine.begin() as connection:
            await connection.execute(ADD)
            arrived.append(1)
            if len(arrived) == 2:
                together.set()
            await together.wait()

    await asyncio.gather(work(), work())

def test_a_request_of_testclient(sync_engine):
    with sync_engine.begin() as connection:
        connection.execute(ADD)
        TestClient(app).post("/users", json={"name": "x"})

async def test_a_request_behind_middleware():
    async def through(request, call_next):
        return await call_next(request)

    wrapped = FastAPI()
    wrapped.add_middleware(BaseHTTPMiddleware, dispatch=through)
    wrapped.mount("/", app)
    async with AsyncClient(transport=ASGITransport(app=wrapped), base_url="http://test") as client:
        async with SessionLocal() as session:
            await session.execute(ADD)
            await client.post("/users", json={"name": "x"})

@pytest.fixture(scope="module")
async def rows():
    async with SessionLocal() as session:
        await session.execute(ADD)
        yield session

@pytest.fixture
async def no_tables(rows):
    yield
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)

async def test_a_request_and_a_wider_fixture(async_client, rows):
    await async_client.post("/users", json={"name": "x"})

async def test_drop_all(no_tables):
    pass
"""
)

GOING_ON = (
    HEAD
    + """
@pytest.fixture
async def row():
    async with engine.begin() as connection:
        await connection.execute(ADD)

async def test_a_task_that_sleeps(row):
    async def hold():
        async with engine.begin() as connection:
            await connection.execute(SAME)
            await asyncio.sleep(0.9)

    task = asyncio.create_task(hold())
    await asyncio.sleep(0.05)
    async with engine.begin() as connection:
        await connection.execute(SAME)
    await task

def test_a_thread_that_sleeps(row, sync_engine):
    held = threading.Event()

    def hold():
        with sync_engine.begin() as connection:
            connection.execute(SAME)
            held.set()
            time.sleep(0.9)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with sync_engine.begin() as connection:
        connection.execute(SAME)
    thread.join()

async def test_somebody_else_who_has_the_session(row, async_client):
    async def later(session):
        await asyncio.sleep(0.9)
        await session.commit()

    async with SessionLocal() as session:
        await session.execute(SAME)
        task = asyncio.create_task(later(session))
        async with engine.begin() as connection:
            await connection.execute(SAME)
        await task

async def test_a_limit_of_time(row):
    async with SessionLocal() as one, SessionLocal() as other:
        await one.execute(SAME)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.9):
                await other.execute(SAME)

@pytest.mark.parametrize("by", ["thread", "timer"])
async def test_an_event_that_comes(row, by):
    come, loop = asyncio.Event(), asyncio.get_running_loop()

    async def hold():
        async with engine.begin() as connection:
            await connection.execute(SAME)
            await come.wait()

    def later():
        time.sleep(0.9)
        loop.call_soon_threadsafe(come.set)

    task = asyncio.create_task(hold())
    await asyncio.sleep(0.05)
    if by == "thread":
        thread = threading.Thread(target=later)
        thread.start()
    else:
        loop.call_later(0.9, come.set)
    async with engine.begin() as connection:
        await connection.execute(SAME)
    await task

async def test_a_long_statement(row):
    async def hold():
        async with engine.begin() as connection:
            await connection.execute(SAME)
            await connection.execute(text(LONG))

    task = asyncio.create_task(hold())
    await asyncio.sleep(0.1)
    async with engine.begin() as connection:
        await connection.execute(SAME)
    await task

async def test_a_thread_of_a_task(row):
    async def hold():
        async with engine.begin() as connection:
            await connection.execute(SAME)
            await anyio.to_thread.run_sync(time.sleep, 0.9)

    task = asyncio.create_task(hold())
    await asyncio.sleep(0.1)
    async with engine.begin() as connection:
        await connection.execute(SAME)
    await task

async def test_a_queue_of_requests(row):
    async def work():
        async with engine.begin() as connection:
            await connection.execute(SAME)
            await asyncio.sleep(0.25)

    await asyncio.gather(*(work() for _ in range(5)))
"""
)


def ended(project: Project, more: str = "") -> Result:
    """Run what would stand still; return what came of it."""
    project.write(conftest_py=CONFTEST, test_ended_py=ENDED + more)
    return project.pytest("-rfE")


def going_on(project: Project, more: str = "") -> Result:
    """Run what only takes its time."""
    project.write(conftest_py=CONFTEST, test_going_on_py=GOING_ON + more)
    return project.pytest()


def names_of(source: str) -> list[str]:
    """Return the names of the tests in a source."""
    return re.findall(r"def (test_\w+)", source)


def line(text: str) -> str:
    """Return the place of the first line with a text, in the file of what would stand still."""
    lines = ENDED.lstrip("\n").splitlines()
    return f"test_ended.py:{next(number for number, each in enumerate(lines, 1) if text in each)}"


def named_in(result: Result) -> dict[str, str]:
    """Return the parts of a report, by the test that each is about."""
    parts = re.split(r"^_{3,} (?:ERROR at \w+ of )?(test_\w+) _{3,}$", result.output, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
