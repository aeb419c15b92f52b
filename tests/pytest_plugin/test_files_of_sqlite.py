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
