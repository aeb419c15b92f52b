"""What a test leaves open is its own failure, by name, and never the next test's."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import Project

AFTER = """

async def test_after(async_client):
    assert (await async_client.get("/users")).json() == []
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
"""


def leaks(project: Project, body: str, *arguments: str) -> str:
    """Run a test that leaks and one after it: the first fails at its teardown, the second is clean."""
    project.write(test_leak_py=body + AFTER)
    result = project.pytest(*arguments)
    assert result.outcomes() == {"passed": 2, "errors": 1}, result.output
    assert "ERROR at teardown of test_leak" in result.output
    return result.output


@pytest.mark.parametrize("scope", ["function", "session"])
def test_an_open_transaction(project: Project, scope: str) -> None:
    """A session with uncommitted writes, in a loop that ends with the test and in one that does not."""
    output = leaks(
        project,
        """
from shop import SessionLocal, User

kept = []

async def test_leak(async_client):
    session = SessionLocal()
    kept.append(session)
    session.add(User(name="uncommitted"))
    await session.flush()
""",
        "-o",
        f"asyncio_default_test_loop_scope={scope}",
    )
    assert "test_leak.py::test_leak left a connection checked out" in output
    assert "test_leak.py:9" in output


def test_an_unfinished_cursor(project: Project) -> None:
    """A streamed result that is never read to its end."""
    output = leaks(
        project,
        """
from sqlalchemy import text
from shop import engine

kept = []

async def test_leak(async_client):
    connection = await engine.connect()
    many = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n")
    kept.append((connection, await connection.stream(many)))
""",
    )
    assert "test_leak.py:7" in output


def test_a_synchronous_engine(project: Project) -> None:
    """A sync engine's connection, on the same database file; one of an engine that is left alone harms nobody."""
    output = leaks(
        project,
        """
from sqlalchemy import create_engine, text

kept = []

def test_leak(hermetic_database):
    connection = create_engine(hermetic_database.sync_url).connect()
    connection.execute(text("INSERT INTO users (name) VALUES ('uncommitted')"))
    kept.append(connection)
    kept.append(create_engine("sqlite://").connect())
""",
    )
    assert "test_leak.py:6 from " in output
    assert "test_leak.py:9 from " not in output


def test_a_request_that_waits_for_its_own_test(project: Project) -> None:
    """An uncommitted flush makes the request fail long before the engine's own limit, and says where."""
    project.change("shop.py", "production.db", "production.db?timeout=120")
    project.write(
        test_a_py="""
import time
import pytest
from shop import User

async def test_flush(async_client, async_test_db):
    async_test_db.add(User(name="mine"))
    await async_test_db.flush()
    started = time.monotonic()
    try:
        await async_client.post("/users", json={"name": "x"})
    finally:
        print("waited", time.monotonic() - started)

"""
        + AFTER
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 1, "failed": 1}, result.output
    assert "UncommittedWrites: your test holds uncommitted writes" in result.output
    assert "test_a.py:7); commit before the request" in result.output
    waited = next(line for line in result.output.splitlines() if line.startswith("waited"))
    assert float(waited.split()[1]) < 60


def test_a_swallowed_wait_is_in_the_report(project: Project) -> None:
    """Where the application turns the error into an answer, the failed test's report still says why."""
    project.write_path(
        "swallowing.py",
        """
        from fastapi import HTTPException
        from shop import SessionLocal, User, app

        @app.post("/swallow")
        async def swallow():
            try:
                async with SessionLocal() as session:
                    session.add(User(name="x"))
                    await session.commit()
            except Exception:
                raise HTTPException(503) from None
        """,
    )
    project.write(
        test_a_py="""
import swallowing
from shop import User

async def test_flush(async_client, async_test_db):
    async_test_db.add(User(name="mine"))
    await async_test_db.flush()
    assert (await async_client.post("/swallow")).status_code == 201
"""
    )
    result = project.pytest()
    assert result.outcomes() == {"failed": 1}, result.output
    assert "your test holds uncommitted writes" in result.output
    assert "test_a.py:6" in result.output


def test_connections_of_fixtures_may_be_open_during_the_test(project: Project) -> None:
    """A function-scoped fixture's session is open through the call, and closes in its teardown: no leak."""
    project.write(
        conftest_py="""
import pytest
from shop import SessionLocal, User

@pytest.fixture
async def session():
    async with SessionLocal() as session:
        session.add(User(name="fixture"))
        await session.flush()
        yield session
        await session.commit()
""",
        test_a_py="""
async def test_a(session):
    await session.connection()

async def test_b(async_client):
    assert (await async_client.get("/users")).json() == []
""",
    )
    result = project.pytest("-o", "asyncio_default_test_loop_scope=session")
    assert result.outcomes() == {"passed": 2}, result.output


def test_a_failed_set_up_leaves_nothing_to_the_next_test(project: Project) -> None:
    """What a fixture left open before it failed is ended, and not reported of anybody else."""
    project.write(
        conftest_py="""
import pytest
from shop import SessionLocal, User

kept = []

@pytest.fixture
async def broken():
    session = SessionLocal()
    kept.append(session)
    session.add(User(name="uncommitted"))
    await session.flush()
    raise RuntimeError("no fixture today")
""",
        test_a_py="""
async def test_broken(broken):
    pass
"""
        + AFTER,
    )
    result = project.pytest("-o", "asyncio_default_test_loop_scope=session")
    assert "no fixture today" in result.output
    assert "test_after" not in result.output.partition("short test summary")[2]
    assert result.outcomes()["passed"] == 1, result.output


@pytest.mark.parametrize("leaks", ["error", "warn", "off"])
def test_a_session_that_outlives_the_test_that_made_it(project: Project, leaks: str) -> None:
    """Whoever uses a ``scoped_session`` without an end has left it open, and the next to use it starts clean."""
    project.write(
        test_scoped_py="""
        import pytest
        from sqlalchemy import create_engine, select
        from sqlalchemy.orm import scoped_session, sessionmaker

        from shop import User

        db = scoped_session(sessionmaker(create_engine("sqlite:///./production.db")))


        def test_commits(async_client):
            db.add(User(name="Ada"))
            db.commit()


        @pytest.mark.parametrize("number", [1, 2])
        def test_reads(async_client, number):
            assert db.scalars(select(User)).all() == []


        def test_removes(async_client):
            assert db.scalars(select(User)).all() == []
            db.remove()
        """
    )
    result = project.pytest("-W", "default", "-o", f"hermetic_leaks={leaks}")
    assert result.outcomes()["passed"] == 4, result.output
    said = [number for number in (1, 2) if f"test_reads[{number}] left a connection" in result.output]
    assert said == ([] if leaks == "off" else [1, 2]), result.output
    assert "test_commits left" not in result.output
    assert result.status == (1 if leaks == "error" else 0)


def test_autouse_fixtures_of_plugins(project: Project) -> None:
    """Their teardown is part of the test too, be they in a module that a conftest names or in a conftest."""
    project.write(
        conftest_py="pytest_plugins = ['more_fixtures']\n",
        more_fixtures_py="""
        import pytest
        from shop import SessionLocal, User, app, get_session
        from sqlalchemy import select


        @pytest.fixture(autouse=True)
        def override():
            app.dependency_overrides[len] = get_session
            yield
            del app.dependency_overrides[len]


        @pytest.fixture(autouse=True)
        async def session():
            async with SessionLocal() as session:
                assert list(await session.scalars(select(User))) == []
                yield session
        """,
        test_it_py="""
        async def test_it(async_client):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1


        def test_sync():
            pass
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output


def test_a_kind_of_test_without_fixtures(project: Project) -> None:
    """It is ended like any other: named for its leak, and what it set is undone."""
    project.write(
        conftest_py="""
        import os

        import pytest

        class File(pytest.File):
            def collect(self):
                yield Item.from_parent(self, name="leaves")
                yield Item.from_parent(self, name="looks")

        class Item(pytest.Item):
            def runtest(self):
                from shop import app
                from sqlalchemy import create_engine

                if self.name == "leaves":
                    os.environ["LEFT"] = "yes"
                    app.dependency_overrides[len] = min
                    self.config.left = create_engine("sqlite:///./production.db").connect()
                assert ("LEFT" in os.environ, len in app.dependency_overrides) == (self.name == "leaves",) * 2

        def pytest_collect_file(parent, file_path):
            return File.from_parent(parent, path=file_path) if file_path.suffix == ".item" else None
        """,
    )
    project.write_path("test_a.item", "")
    project.write_path("test_0.py", "from shop import app\n\ndef test_0():\n    pass\n")
    result = project.pytest()
    assert result.outcomes() == {"passed": 3, "errors": 1}, result.output
    assert "test_a.item::leaves left a connection checked out" in result.output
