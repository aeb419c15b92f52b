"""Those who outlive a test and use its database: they go on, and no restore freezes them in a transaction."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pytest_plugin.postgresql import on_postgresql
from tests.pytest_plugin.project import Project

POLLER = """
import asyncio
import threading
from contextlib import asynccontextmanager
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column
from shop import Base, SessionLocal, app, engine

ERRORS, SENT = [], []

class Outbox(Base):
    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(primary_key=True)
    payload: Mapped[str]
    sent: Mapped[bool] = mapped_column(default=False)

class Beat(Base):
    __tablename__ = "beats"
    id: Mapped[int] = mapped_column(primary_key=True)

def unsent():
    return select(Outbox).where(~Outbox.sent).with_for_update(skip_locked=True)

def send(rows):
    for row in rows:
        SENT.append(row.payload)
        row.sent = True

async def poll(seconds):
    while True:
        try:
            async with SessionLocal() as session, session.begin():
                session.add(Beat())
                send(await session.scalars(unsent()))
        except Exception as error:
            ERRORS.append(repr(error))
        await asyncio.sleep(seconds)

def poll_in_a_thread(stop):
    sync = create_engine(engine.url.set(drivername=engine.url.get_backend_name() + SYNC))
    while not stop.wait(0.001):
        try:
            with Session(sync) as session, session.begin():
                send(session.scalars(unsent()))
        except Exception as error:
            ERRORS.append(repr(error))
    sync.dispose()

async def listen(ready):
    async with engine.connect() as connection:
        await connection.execute(text(KEPT))
        ready.set()
        await asyncio.Event().wait()

@app.post("/orders", status_code=201)
async def order(payload: str):
    async with SessionLocal() as session, session.begin():
        session.add(Outbox(payload=payload))

@asynccontextmanager
async def lifespan(app):
    stop, ready = threading.Event(), asyncio.Event()
    thread = threading.Thread(target=poll_in_a_thread, args=(stop,))
    tasks = [asyncio.create_task(each) for each in TASKS(ready)]
    if THREAD:
        thread.start()
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks) if tasks else None
    if THREAD:
        stop.set()
        while thread.is_alive():
            await asyncio.sleep(0.001)

app.router.lifespan_context = lifespan
"""

TESTS = """
import asyncio
import pytest
import poller

@pytest.mark.parametrize("number", range(15))
async def test_sent(async_client, number):
    assert (await async_client.post(f"/orders?payload=x{number}")).status_code == 201
    while f"x{number}" not in poller.SENT:
        await asyncio.sleep(0.001)

@pytest.mark.parametrize("number", range(10))
async def test_not_waited_for(async_client, number):
    assert (await async_client.get("/users")).json() == []
    assert (await async_client.post("/users", json={"name": "a"})).json()["id"] == 1
    assert (await async_client.post(f"/orders?payload=y{number}")).status_code == 201

def test_no_errors():
    assert poller.ERRORS == []
"""

KINDS = {
    "now and then": ("[poll(0.005)]", False),
    "never sleeps": ("[poll(0)]", False),
    "two": ("[poll(0), poll(0.002)]", False),
    "in a thread": ("[]", True),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Each backend in turn."""
    return str(request.param)


@pytest.fixture
def polled(project: Project, backend: str, cache: Path) -> Project:
    """The example on a backend, with a lifespan that lives as long as the run."""
    if backend == "postgresql":
        on_postgresql(project, cache)
    ini = (project.root / "pytest.ini").read_text()
    return project.write(
        pytest_ini=f"{ini}asyncio_default_test_loop_scope = session\nhermetic_lifespan_scope = session\n"
    )


def write(project: Project, backend: str, tasks: str, *, thread: bool = False, tests: str = TESTS) -> Project:
    """Give the example a lifespan with pollers."""
    values = {
        "SYNC": "+psycopg" if backend == "postgresql" else "",
        "KEPT": "SELECT pg_advisory_lock(1)" if backend == "postgresql" else "SELECT 1",
        "THREAD": thread,
    }
    head = "".join(f"{name} = {value!r}\n" for name, value in values.items())
    head += f"TASKS = lambda ready: {tasks}\n"
    ini = (project.root / "pytest.ini").read_text().replace("shop:app", "poller:app")
    return project.write(poller_py=head + POLLER, pytest_ini=ini, test_a_py=tests)


@pytest.mark.parametrize("kind", KINDS)
def test_a_poller_goes_on(polled: Project, backend: str, kind: str) -> None:
    """It sends what a test orders, meets no error, and no test waits for it in vain."""
    tasks, thread = KINDS[kind]
    expected = 26
    if backend == "sqlite" and thread:
        tests = TESTS.replace("range(15)", "range(5)").replace("range(10)", "range(5)")
        expected = 11
    else:
        tests = TESTS
    result = write(polled, backend, tasks, thread=thread, tests=tests).pytest()
    assert result.outcomes() == {"passed": expected}, result.output


def test_a_connection_that_is_kept_blocks_nothing(polled: Project, backend: str) -> None:
    """It listens, or holds an advisory lock, in a transaction that has read: it is waited for once."""
    tests = TESTS[: TESTS.index("@pytest.mark.parametrize")] + (
        """
@pytest.mark.parametrize("number", range(5))
async def test_users(async_client, number):
    assert (await async_client.post("/users", json={"name": "a"})).json()["id"] == 1
"""
    )
    result = write(polled, backend, "[listen(ready)]", tests=tests).pytest()
    assert result.outcomes() == {"passed": 5}, result.output


def test_what_it_writes_while_a_wide_fixture_is_set_up(polled: Project, backend: str) -> None:
    """Is no part of the fixture's rows, so that the fixture's end leaves no conflict and no row."""
    tests = """
import asyncio
import pytest
from sqlalchemy import text
import poller

async def count(table):
    async with poller.engine.connect() as connection:
        return await connection.scalar(text(f"SELECT count(*) FROM {table}"))

@pytest.fixture(scope="session", autouse=True)
async def application(hermetic_app, hermetic_lifespan):
    await hermetic_lifespan.start()

@pytest.fixture(scope="module")
async def catalogue(application):
    async with poller.SessionLocal() as session, session.begin():
        session.add(poller.Outbox(payload="catalogue", sent=True))
    for _ in range(20):
        await asyncio.sleep(0.002)

@pytest.mark.parametrize("number", range(5))
async def test_rows(catalogue, number):
    assert await count("outbox") == 1

def test_no_errors():
    assert poller.ERRORS == []
"""
    result = write(polled, backend, "[poll(0.001)]", tests=tests).pytest()
    assert result.outcomes() == {"passed": 6}, result.output
    assert "is part of what it wrote" not in result.output


def test_a_wide_fixture_that_waits_for_it(polled: Project, backend: str) -> None:
    """It is let through after a moment, and the summary says whose rows are the fixture's then."""
    tests = """
import asyncio
import pytest
import poller

@pytest.fixture(scope="session", autouse=True)
async def application(hermetic_app, hermetic_lifespan):
    await hermetic_lifespan.start()

@pytest.fixture(scope="module")
async def sent(application):
    async with poller.SessionLocal() as session, session.begin():
        session.add(poller.Outbox(payload="mail"))
    while "mail" not in poller.SENT:
        await asyncio.sleep(0.001)

async def test_sent(sent):
    assert poller.ERRORS == []
"""
    result = write(polled, backend, "[poll(0.001)]", tests=tests).pytest()
    assert result.outcomes() == {"passed": 1}, result.output
    assert "the lifespan used a database while fixture 'sent' (module scope) was set up" in result.output


def test_hypothesis_examples(polled: Project, backend: str) -> None:
    """The baseline comes back before each example, inside the running loop, which turns meanwhile."""
    tests = """
from hypothesis import HealthCheck, given, settings, strategies
import poller

@settings(max_examples=10, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=strategies.sampled_from(["a", "b"]))
async def test_users(async_client, name):
    assert (await async_client.post("/users", json={"name": name})).json()["id"] == 1

def test_no_errors():
    assert poller.ERRORS == []
"""
    result = write(polled, backend, "[poll(0.001)]", tests=tests).pytest()
    assert result.outcomes() == {"passed": 2}, result.output


def test_a_poller_with_a_driver_s_own_pool(project: Project, cache: Path) -> None:
    """asyncpg's; it reads and writes in one transaction: what it has read is there when it writes."""
    on_postgresql(project, cache)
    ini = (project.root / "pytest.ini").read_text().replace("shop:app", "raw:app")
    project.write(
        pytest_ini=f"{ini}asyncio_default_test_loop_scope = session\nhermetic_lifespan_scope = session\n",
        raw_py="""
import asyncio
from contextlib import asynccontextmanager
import asyncpg
from shop import app, engine

ERRORS, SEEN = [], []

async def poll(pool):
    while True:
        try:
            async with pool.acquire() as connection, connection.transaction():
                found = await connection.fetchval("SELECT max(id) FROM users")
                await connection.fetchval("SELECT 1")
                if found is not None:
                    assert await connection.fetchval("UPDATE users SET name = 'seen' WHERE id = $1 RETURNING id", found)
                    SEEN.append(found)
        except Exception as error:
            ERRORS.append(repr(error))
        await asyncio.sleep(0.001)

@asynccontextmanager
async def lifespan(app):
    url = engine.url.render_as_string(hide_password=False).replace("+asyncpg", "")
    async with asyncpg.create_pool(url, min_size=1) as pool:
        task = asyncio.create_task(poll(pool))
        yield
        task.cancel()
        await asyncio.wait([task])

app.router.lifespan_context = lifespan
""",
        test_a_py="""
import asyncio
import pytest
import raw

@pytest.mark.parametrize("number", range(20))
async def test_users(async_client, number):
    assert (await async_client.post("/users", json={"name": "a"})).json()["id"] == 1
    raw.SEEN.clear()
    while number % 2 and not raw.SEEN:
        await asyncio.sleep(0.001)

def test_no_errors():
    assert raw.ERRORS == []
""",
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 21}, result.output
