"""SQLite is everybody's file format: an application's own file is contained, a library's is left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.pytest_plugin.project import APP, Project

NOTES = """
import os

import aiosqlite
from fastapi import FastAPI

app = FastAPI()


@app.post("/notes", status_code=201)
async def create(body: dict):
    async with aiosqlite.connect(os.environ["NOTES_DB"]) as connection:
        await connection.execute("INSERT INTO notes (text) VALUES (?)", [body["text"]])
        await connection.commit()


@app.get("/notes")
async def notes():
    async with aiosqlite.connect(os.environ["NOTES_DB"]) as connection:
        return [text for (text,) in await connection.execute_fetchall("SELECT text FROM notes")]
"""

LIFESPAN = """
from contextlib import asynccontextmanager
from pathlib import Path

FILE = Path(__file__).parent / "notes.db"


@asynccontextmanager
async def lifespan(app):
    async with aiosqlite.connect(FILE) as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS notes (text TEXT)")
    yield


app = FastAPI(lifespan=lifespan)
"""

INI = """
[pytest]
pythonpath = .
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
hermetic_app = {module}:app
"""

TESTS = """
import sqlite3

import pytest


@pytest.mark.parametrize("again", range(3))
async def test_notes(async_client, again):
    await async_client.post("/notes", json={"text": "mine"})
    assert (await async_client.get("/notes")).json() == ["mine"]
    with sqlite3.connect("data.db") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS data (id INTEGER)")
"""


def test_an_application_that_uses_aiosqlite(empty_project: Project) -> None:
    """Its file is named by a variable; another one, which nothing names, is its own affair."""
    empty_project.write(
        pytest_ini=f"{INI.format(module='notes')}hermetic_env = NOTES_DB=notes.db\nhermetic_schema = schema.sql\n",
        schema_sql="CREATE TABLE notes (text TEXT);",
        notes_py=NOTES,
        test_notes_py=TESTS,
    )
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output
    assert [file.name for file in empty_project.root.glob("*.db")] == ["data.db"]


def test_a_path_that_only_the_code_has(empty_project: Project) -> None:
    """The application's own file was written to, and the run says what to write; with that, it is not."""
    empty_project.write(
        pytest_ini=f"{INI.format(module='notes')}hermetic_schema = lifespan\n",
        notes_py=NOTES.replace("app = FastAPI()", LIFESPAN).replace('os.environ["NOTES_DB"]', "FILE"),
        test_it_py="""
        async def test_it(async_client):
            assert (await async_client.post("/notes", json={"text": "mine"})).status_code == 201
        """,
    )
    result = empty_project.pytest()
    hint = "hermetic_targets = sqlite:///notes.db -> sqlite:///notes.db"
    assert hint in result.output, result.output
    (empty_project.root / "notes.db").unlink()
    result = empty_project.pytest("-o", hint.replace(" = ", "="))
    assert result.outcomes() == {"passed": 1}, result.output
    assert not (empty_project.root / "notes.db").exists()


def test_coverage_on_two_workers(empty_project: Project) -> None:
    """coverage keeps what it measures in SQLite, in each worker, while the application's file is contained."""
    empty_project.plugins = (*empty_project.plugins, "xdist", "pytest_cov.plugin")
    empty_project.write(
        pytest_ini=INI.format(module="shop"),
        shop_py=APP,
        test_shop_py="""
        import pytest

        @pytest.mark.parametrize("again", range(4))
        async def test_it(async_client, again):
            await async_client.post("/users", json={"name": "Ada"})
            assert (await async_client.get("/users")).json() == ["Ada"]
        """,
    )
    result = empty_project.pytest("-n", "2", "--cov=shop", "--cov-branch", "-W", "default")
    assert result.outcomes() == {"passed": 4}, result.output
    with closing(sqlite3.connect(empty_project.root / ".coverage")) as connection:
        (file,) = connection.execute("SELECT path FROM file").fetchone()
    assert file == str(empty_project.root / "shop.py")
    assert not (empty_project.root / "production.db").exists()


def test_a_test_that_leaves_one_open(empty_project: Project) -> None:
    """It fails with its line, and the run ends: aiosqlite's thread would keep it from that."""
    empty_project.write(
        pytest_ini=f"{INI.format(module='notes')}hermetic_env = NOTES_DB=notes.db\nhermetic_schema = schema.sql\n",
        schema_sql="CREATE TABLE notes (text TEXT);",
        notes_py=NOTES,
        test_notes_py="""
        import aiosqlite

        kept = []

        async def test_it(async_client):
            kept.append(await aiosqlite.connect("notes.db"))
        """,
    )
    result = empty_project.pytest("-W", "default")
    assert result.outcomes() == {"passed": 1, "errors": 1}, result.output
    assert "test_it left a connection of aiosqlite open. [HM400]" in result.output
    assert "test_notes.py:6" in result.output


@pytest.mark.parametrize("isolation", ["test", "none"])
def test_a_wide_fixture_s_pool_is_no_leak(empty_project: Project, isolation: str) -> None:
    """It lives as long as its fixture."""
    empty_project.write(
        pytest_ini=f"{INI.format(module='notes')}hermetic_env = NOTES_DB=notes.db\nhermetic_schema = schema.sql\n",
        schema_sql="CREATE TABLE notes (text TEXT);",
        notes_py=NOTES,
        test_notes_py="""
        import sqlite3
        import pytest

        @pytest.fixture(scope="module")
        def connection():
            connection = sqlite3.connect("notes.db", isolation_level=None)
            yield connection
            connection.close()

        @pytest.mark.parametrize("again", range(2))
        def test_it(connection, again):
            connection.execute("SELECT * FROM notes").fetchall()
        """,
    )
    result = empty_project.pytest("-o", f"hermetic_isolation={isolation}")
    assert result.outcomes() == {"passed": 2}, result.output


MADE_BY_A_DRIVER = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
hermetic = on
"""

BY_THE_SUITE = """
import aiosqlite
import pytest
from sqlalchemy import create_engine, text


@pytest.fixture(scope="session")
async def url():
    async with aiosqlite.connect("notes.db") as connection:
        await connection.execute("DROP TABLE IF EXISTS notes")
        await connection.execute("CREATE TABLE notes (text TEXT)")
        await connection.execute("INSERT INTO notes VALUES ('the first')")
        await connection.commit()
    return "sqlite:///notes.db"


@pytest.fixture(scope="session")
def engine(url):
    return create_engine(url)


@pytest.mark.parametrize("again", range(2))
def test_it(engine, again):
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO notes VALUES ('mine')"))
        assert list(connection.scalars(text("SELECT text FROM notes"))) == ["the first", "mine"]
"""


def test_tables_made_by_a_driver_before_an_engine(empty_project: Project) -> None:
    """The engine's database begins as what was written; what tests write is undone, and the file told of by name."""
    empty_project.write(pytest_ini=MADE_BY_A_DRIVER, test_notes_py=BY_THE_SUITE)
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
    assert (
        "notes.db was opened at test_notes.py:8 before an engine named it, and is itself what that wrote to;"
        " the engine's database began as a copy" in result.output
    )
    with closing(sqlite3.connect(empty_project.root / "notes.db")) as connection:
        assert connection.execute("SELECT text FROM notes").fetchall() == [("the first",)]


def test_the_hint_leaves_the_file_alone(empty_project: Project) -> None:
    """Named by a setting, driver and engine meet in the test database from the start."""
    targets = "hermetic_targets = sqlite:///notes.db -> sqlite:///notes.db\n"
    empty_project.write(pytest_ini=f"{MADE_BY_A_DRIVER}{targets}", test_notes_py=BY_THE_SUITE)
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
    assert "before an engine named it" not in result.output
    assert not (empty_project.root / "notes.db").exists()


def test_tables_made_by_a_driver_before_the_application(empty_project: Project) -> None:
    """So it is for an application that the suite makes; one that is made anew in each test finds them in each."""
    empty_project.write(
        pytest_ini=MADE_BY_A_DRIVER,
        factory_py="""
        from fastapi import FastAPI
        from sqlalchemy import create_engine, text

        def create_app(path):
            app, engine = FastAPI(), create_engine(f"sqlite:///{path}")

            @app.post("/notes")
            def add() -> list[str]:
                with engine.begin() as connection:
                    connection.execute(text("INSERT INTO notes VALUES ('mine')"))
                    return list(connection.scalars(text("SELECT text FROM notes")))

            return app
        """,
        test_notes_py="""
        import sqlite3
        from contextlib import closing
        import pytest
        from fastapi.testclient import TestClient
        from factory import create_app

        @pytest.fixture(scope="session", autouse=True)
        def tables():
            with closing(sqlite3.connect("notes.db")) as connection:
                connection.executescript("CREATE TABLE notes (text); INSERT INTO notes VALUES ('the first')")

        @pytest.mark.parametrize("again", range(2))
        def test_it(again):
            assert TestClient(create_app("notes.db")).post("/notes").json() == ["the first", "mine"]
        """,
    )
    result = empty_project.pytest("-o", "pythonpath=.")
    assert result.outcomes() == {"passed": 2}, result.output


def test_tables_that_each_test_makes_by_a_driver(empty_project: Project) -> None:
    """A file that a test makes, and removes, is no baseline of the next one's."""
    empty_project.write(
        pytest_ini=MADE_BY_A_DRIVER,
        test_notes_py="""
        import os
        import sqlite3
        from contextlib import closing, suppress
        import pytest
        from sqlalchemy import create_engine, inspect

        @pytest.fixture
        def engine():
            with closing(sqlite3.connect("notes.db")) as connection:
                connection.execute("CREATE TABLE notes (text)")
            yield create_engine("sqlite:///notes.db")
            with suppress(FileNotFoundError):
                os.remove("notes.db")

        @pytest.mark.parametrize("again", range(3))
        def test_it(engine, again):
            assert inspect(engine).get_table_names() == ["notes"]
        """,
    )
    result = empty_project.pytest("-W", "default")
    assert result.outcomes() == {"passed": 3}, result.output
