"""How a run starts: loaded late, tables by the application's own start-up, folders of a user without a name."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from hermetic import pytest_plugin
from tests.pytest_plugin.project import INI, Project


@pytest.mark.real_start
def test_loaded_from_a_conftest(project: Project) -> None:
    """Where plugins are not found by their entry point, a conftest can name it; hermetic starts then."""
    project.plugins = ("asyncio",)
    project.write(
        conftest_py='pytest_plugins = ["hermetic.pytest_plugin"]\n',
        test_a_py="""
async def test_it(async_client):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
""",
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output
    assert not (project.root / "production.db").exists()


@pytest.mark.parametrize("setting", ["lifespan", ""])
def test_tables_that_the_start_up_makes(project: Project, setting: str) -> None:
    """``hermetic_schema = lifespan``, or no MetaData in reach: the start-up runs once, its rows are in the baseline."""
    project.write_path(
        "tutorial.py",
        """
        from contextlib import asynccontextmanager
        from fastapi import FastAPI
        from sqlalchemy import text
        from sqlalchemy.ext.asyncio import create_async_engine

        engine = create_async_engine("sqlite+aiosqlite:///tutorial.db")

        @asynccontextmanager
        async def lifespan(app):
            async with engine.begin() as connection:
                await connection.execute(text("CREATE TABLE IF NOT EXISTS heroes (name TEXT UNIQUE)"))
                await connection.execute(text("INSERT OR IGNORE INTO heroes VALUES ('first')"))
            yield

        app = FastAPI(lifespan=lifespan)

        @app.get("/heroes")
        async def heroes():
            async with engine.begin() as connection:
                await connection.execute(text("INSERT INTO heroes VALUES ('more')"))
                return (await connection.execute(text("SELECT name FROM heroes"))).scalars().all()
        """,
    )
    project.write(
        test_a_py="""
import pytest
from fastapi.testclient import TestClient
from tutorial import app

@pytest.mark.parametrize("again", range(2))
def test_without_the_lifespan(again):
    assert TestClient(app).get("/heroes").json() == ["first", "more"]

async def test_with_it(async_client):
    assert (await async_client.get("/heroes")).json() == ["first", "more"]
"""
    )
    result = project.pytest("-o", "hermetic_app=tutorial:app", "-o", f"hermetic_schema={setting}")
    assert result.outcomes() == {"passed": 3}, result.output


@pytest.mark.parametrize(
    "how", ["asyncio.run(make_tables())", "threads.submit(asyncio.run, make_tables()).result()"]
)
def test_a_factory_that_makes_tables(project: Project, how: str) -> None:
    """A factory that connects, itself or through a thread, is called once, and its tables are there."""
    project.write_path(
        "made.py",
        f"""
        import asyncio
        from concurrent.futures import ThreadPoolExecutor
        from shop import Base, app, engine

        calls = []

        async def make_tables():
            async with engine.begin() as connection:
                await connection.run_sync(Base.metadata.create_all)

        def create_app():
            calls.append("create_app")
            with ThreadPoolExecutor(1) as threads:
                {how}
            return app
        """,
    )
    project.write(
        test_a_py="""
import made

async def test_it(async_client):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
    assert made.calls == ["create_app"]
"""
    )
    result = project.pytest("-o", "hermetic_app=made:create_app")
    assert result.outcomes() == {"passed": 1}, result.output


def test_no_application_and_no_tables(empty_project: Project) -> None:
    """``hermetic = on`` alone contains and restores what tests make."""
    empty_project.write(
        pytest_ini="[pytest]\nhermetic = on\n",
        test_a_py="""
import pytest
from sqlalchemy import create_engine, text

@pytest.mark.parametrize("again", range(2))
def test_it(again, hermetic_database):
    engine = create_engine("sqlite:///mine.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE mine (id INTEGER)"))
    engine.dispose()
""",
    )
    empty_project.plugins = ("hermetic",)
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output


def test_a_failure_while_closing_does_not_hide_the_tests_own(project: Project) -> None:
    """The test's error is shown, and beside it what went wrong in the application's shutdown."""
    project.write_path(
        "failing.py",
        """
        from contextlib import asynccontextmanager
        from shop import app

        @asynccontextmanager
        async def lifespan(app):
            yield
            raise RuntimeError("shutdown failed")

        app.router.lifespan_context = lifespan
        """,
    )
    project.write(
        test_a_py="""
async def test_it(async_client):
    await async_client.get("/users")
    assert "mine" == "theirs"
"""
    )
    result = project.pytest("-o", "hermetic_app=failing:app")
    assert result.outcomes() == {"failed": 1}, result.output
    assert "while closing what the test opened: RuntimeError('shutdown failed')" in result.output
    assert "assert 'mine' == 'theirs'" in result.output


def test_the_folders_of_a_user_without_a_name(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container the user may be in no list; pytest then calls its folder ``pytest-of-unknown``."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(pytest_plugin, "getuser", nobody)
    monkeypatch.setattr(pytestconfig.known_args_namespace, "basetemp", None)
    monkeypatch.setenv("PYTEST_DEBUG_TEMPROOT", str(Path.cwd()))
    assert pytest_plugin._temporary_folders(pytestconfig) == (Path.cwd() / "pytest-of-unknown",)
    monkeypatch.setattr(pytest_plugin, "getuser", getpass.getuser)
    assert len(pytest_plugin._temporary_folders(pytestconfig)) == 2


@pytest.mark.real_start
@pytest.mark.parametrize(
    "make", ["{make}()", "thread = threading.Thread(target={make}); thread.start(); thread.join()"]
)
def test_an_application_among_the_tests_that_connects_when_imported(project: Project, make: str) -> None:
    """Its engine is asked for while it is being imported, by that thread or another: it cannot be imported first."""
    body = (
        make.format(make="lambda: Base.metadata.create_all(sync)")
        if "thread" in make
        else "Base.metadata.create_all(sync)"
    )
    project.write(
        tests__service_py=f"""
        import threading

        from shop import Base, User, app
        from sqlalchemy import create_engine, func, select

        sync = create_engine("sqlite:///./service.db")
        {body}


        @app.get("/count")
        def count():
            with sync.connect() as connection:
                return connection.scalar(select(func.count()).select_from(User))
        """,
        pytest_ini=INI.replace("shop:app", "tests.service:app"),
        tests__test_a_py="""
        async def test_it(async_client):
            assert (await async_client.get("/count")).json() == 0
        """,
    )
    project.write_path("tests/__init__.py", "")
    result = project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output
    assert not (project.root / "service.db").exists()
