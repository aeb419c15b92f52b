"""What belongs to a living wider fixture or to the lifespan stays, and what a test leaves is ended, on PostgreSQL."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import ini
from tests.pytest_plugin.test_owners import test_a_session_fixtures_things_stay

__all__ = ["test_a_session_fixtures_things_stay"]

SESSION_LOOPS = ("-o", "asyncio_default_test_loop_scope=session")

LISTENING = """
import asyncio
from contextlib import asynccontextmanager

from shop import SessionLocal, User, app, engine
from sqlalchemy import select

heard = []


async def poll():
    while True:
        async with SessionLocal() as session:
            await session.scalars(select(User))
        await asyncio.sleep(0.001)


@asynccontextmanager
async def lifespan(app):
    async with engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        await raw.add_listener("news", lambda *args: heard.append(args[-1]))
        poller = asyncio.create_task(poll())
        yield
        poller.cancel()
        await asyncio.gather(poller, return_exceptions=True)


app.router.lifespan_context = lifespan
"""

NEWS = """
import asyncio
import pytest
from listening import engine, heard
from sqlalchemy import text

@pytest.mark.parametrize("n", range(3))
async def test_news(async_client, n):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
    async with engine.begin() as connection:
        await connection.execute(text(f"NOTIFY news, '{n}'"))
    async with asyncio.timeout(60):
        while heard[-1:] != [str(n)]:
            await asyncio.sleep(0)
"""


def test_a_lifespan_that_polls_and_listens(project: Project) -> None:
    """Started once for the session, its poller and its LISTEN are there in each test, and nothing is reported."""
    project.write_path("listening.py", LISTENING)
    project.write(test_news_py=NEWS)
    result = project.pytest(
        *SESSION_LOOPS, "-o", "hermetic_app=listening:app", "-o", "hermetic_lifespan_scope=session"
    )
    assert result.outcomes() == {"passed": 3}, result.output


LEFT = """
import pytest
from shop import SessionLocal, User, engine
from sqlalchemy import text

kept = []


async def state():
    async with engine.connect() as connection:
        rows = await connection.execute(text(
            "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
            " AND pid <> pg_backend_pid()"
        ))
        return list(rows.scalars())
"""


def test_idle_in_transaction(project: Project) -> None:
    """The test that left it fails, with the line; the session is ended on the server, the next test is clean."""
    project.write(
        test_a_py=LEFT
        + """
async def test_leak(async_client):
    session = SessionLocal()
    kept.append(session)
    session.add(User(name="uncommitted"))
    await session.flush()
    assert await state() == ["idle in transaction"]

async def test_after(async_client):
    assert "idle in transaction" not in await state()
    assert (await async_client.post("/users", json={"name": "uncommitted"})).json()["id"] == 1
"""
    )
    result = project.pytest(*SESSION_LOOPS)
    assert result.outcomes() == {"passed": 2, "errors": 1}, result.output
    assert "test_a.py::test_leak left a connection checked out" in result.output
    assert "test_a.py:20" in result.output


def test_what_sessions_are_left_with(project: Project) -> None:
    """SET, temporary tables, advisory locks and prepared statements of one test are not there in the next."""
    project.write(
        test_a_py=LEFT
        + """
@pytest.mark.parametrize("again", range(2))
async def test_it(async_client, again):
    async with engine.connect() as connection:
        assert await connection.scalar(text("SHOW work_mem")) != "1MB"
        assert await connection.scalar(text("SELECT pg_try_advisory_lock(1)"))
        await connection.execute(text("SET work_mem = '1MB'"))
        await connection.execute(text("SET search_path = pg_catalog"))
        await connection.execute(text("CREATE TEMPORARY TABLE mine (id int)"))
        await connection.commit()
    assert again or True
"""
    )
    result = project.pytest(*SESSION_LOOPS)
    assert result.outcomes() == {"passed": 2}, result.output


def test_a_request_that_waits_for_its_own_test(project: Project) -> None:
    """The same unique value in an uncommitted flush: the request is failed by name, not left to hang."""
    project.write(
        test_a_py="""
from shop import User

async def test_flush(async_client, async_test_db):
    async_test_db.add(User(name="mine"))
    await async_test_db.flush()
    await async_client.post("/users", json={"name": "mine"})

async def test_after(async_client):
    assert (await async_client.post("/users", json={"name": "mine"})).json()["id"] == 1
"""
    )
    result = project.pytest(*SESSION_LOOPS)
    assert result.outcomes() == {"passed": 1, "failed": 1}, result.output
    assert "your test holds uncommitted writes" in result.output
    assert "test_a.py:5" in result.output


@pytest.mark.parametrize("statement", ["LOCK TABLE users", "INSERT INTO users (name) VALUES ('held')"])
def test_a_wide_owner_with_a_lock(project: Project, statement: str) -> None:
    """Where it blocks the restore it is named, and left alone; where it does not, nothing is said."""
    project.write(
        conftest_py=f"""
import pytest
from shop import engine
from sqlalchemy import text

@pytest.fixture(scope="session")
async def holder():
    async with engine.connect() as connection:
        await connection.execute(text("{statement}"))
        yield connection
        assert await connection.scalar(text("SELECT 1")) == 1
        await connection.rollback()
""",
        test_a_py="""
from shop import SessionLocal, User

async def test_first(async_client):
    await async_client.post("/users", json={"name": "x"})

async def test_holds(holder):
    pass

async def test_after(holder):
    pass
""",
    )
    result = project.pytest(*SESSION_LOOPS)
    assert result.outcomes() == {"passed": 3}, result.output


ENDED = """
import psycopg
from sqlalchemy import text

async def test_ends_its_connection(async_test_db, hermetic_url):
    pid = await async_test_db.scalar(text("SELECT pg_backend_pid()"))
    with psycopg.connect(hermetic_url.replace("+asyncpg", "")) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

async def test_next(async_client):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
"""


def test_a_session_whose_connection_was_ended(project: Project) -> None:
    """Its teardown has nothing to roll back: what was uncommitted is gone with the connection."""
    result = project.write(test_a_py=ENDED).pytest()
    assert result.outcomes() == {"passed": 2}, result.output


def test_a_suite_that_counts_threads(project: Project) -> None:
    """A request beside its test's transaction is watched, and no thread is there after it, short or long."""
    project.write(
        conftest_py="""
        import threading
        import pytest

        @pytest.fixture(autouse=True)
        async def no_thread_is_left():
            before = set(threading.enumerate())
            yield
            assert set(threading.enumerate()) - before == set()
        """,
        waits_py="""
        from shop import Session, app
        from sqlalchemy import text

        @app.get("/slow")
        async def slow(session: Session):
            await session.execute(text("SELECT pg_sleep(0.6)"))
        """,
        test_a_py="""
        import pytest
        from shop import User

        @pytest.mark.parametrize("path", ["/slow", "/users"])
        async def test_it(async_client, async_test_db, path):
            async_test_db.add(User(name="uncommitted"))
            await async_test_db.flush()
            assert (await async_client.get(path)).status_code == 200
        """,
        pytest_ini=ini(app="waits:app"),
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
