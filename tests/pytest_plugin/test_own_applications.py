"""Suites that build their applications themselves, by a factory that needs what only their fixtures have."""

from __future__ import annotations

import re

import pytest

from tests.pytest_plugin.own_applications import (
    KINDS,
    write_failing,
    write_overridden,
    write_several,
    write_start_ups,
    write_suite,
)
from tests.pytest_plugin.project import Project

FILE = "sqlite+aiosqlite:///./{}.db"
MEMORY = "sqlite+aiosqlite:///:memory:"


@pytest.mark.parametrize(
    ("kind", "url", "scope", "lines"),
    [
        ("arguments", FILE, "session", []),
        ("environment", FILE, "function", ["hermetic_schema = lifespan"]),
        ("environment", MEMORY, "session", ["hermetic_schema = lifespan"]),
        ("import", FILE, "session", ["hermetic_schema = lifespan"]),
        ("none", FILE, "function", []),
    ],
)
def test_they_run_as_without(
    empty_project: Project, kind: str, url: str, scope: str, lines: list[str]
) -> None:
    """Nothing of the suite's is called, and only tests that ask for hermetic's application hear that there is none."""
    write_suite(empty_project, KINDS[kind], url, scope, *lines)
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 15 if url == FILE else 13}, result.output


def test_observe_reports_what_their_own_calls_did(empty_project: Project) -> None:
    """It calls nothing itself."""
    write_suite(empty_project, KINDS["environment"], MEMORY, "session", "hermetic_schema = lifespan")
    result = empty_project.pytest("--hermetic=observe", "test_b_each.py")
    assert result.outcomes() == {"passed": 4}, result.output
    assert result.output.count("(made at shop.py:16)") == 2


@pytest.mark.parametrize("line", ["hermetic_app=shop:build", "hermetic_app="])
def test_the_tables_of_a_start_up_are_there_for_the_next(empty_project: Project, line: str) -> None:
    """Its rows are not: they may come of one test's own settings."""
    write_start_ups(empty_project, FILE.format("shop"))
    result = empty_project.pytest("-o", line, "--hermetic=on")
    assert result.outcomes() == {"passed": 6}, result.output


def test_no_start_up_inside_another(empty_project: Project) -> None:
    """What an application keeps for its process, as Tortoise's does, is not taken away by a second start-up."""
    empty_project.write(
        pytest_ini="""
        [pytest]
        asyncio_default_fixture_loop_scope = session
        hermetic_app = shop:app
        hermetic_schema = lifespan
        """,
        shop_py="""
        from contextlib import asynccontextmanager
        from fastapi import FastAPI
        from sqlalchemy import create_engine, text

        engine = create_engine("sqlite:///shop.db")
        started = {}

        @asynccontextmanager
        async def lifespan(app):
            started["engine"] = engine
            with engine.begin() as connection:
                connection.execute(text("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY)"))
            yield
            started.clear()

        app = FastAPI(lifespan=lifespan)

        @app.post("/notes")
        def add():
            with started["engine"].begin() as connection:
                connection.execute(text("INSERT INTO notes DEFAULT VALUES"))
                return connection.scalar(text("SELECT count(*) FROM notes"))
        """,
        test_it_py="""
        import pytest
        from fastapi.testclient import TestClient
        from shop import app

        @pytest.mark.parametrize("number", [1, 2])
        def test_add(number):
            with TestClient(app) as client:
                assert client.post("/notes").json() == 1
        """,
    )
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output


def test_a_line_for_each_of_several_databases(empty_project: Project) -> None:
    """A database has the tables, and the rows, of the lines that name it: two have a table of one name."""
    write_several(empty_project, FILE)
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output


def test_two_tables_of_one_name_and_no_word_of_which_database(empty_project: Project) -> None:
    """A suite that makes them itself goes on, and a fixture of ours says what to write."""
    write_several(empty_project, FILE)
    empty_project.write_path(
        "test_several.py",
        """
        import pytest
        from fastapi.testclient import TestClient
        from shop import app

        @pytest.mark.parametrize("time", range(2))
        def test_with_a_start_up(time):
            with TestClient(app) as client:
                assert [client.post(path).json() for path in ("/jobs", "/tokens", "/tokens")] == [1, 1, 2]

        def test_ours(request):
            with pytest.raises(pytest.fail.Exception, match="have a table 'entries' each, of other columns"):
                request.getfixturevalue("hermetic_database")
        """,
    )
    unsaid = "hermetic_schema=shop:jobs_metadata\nshop:auth_metadata"
    result = empty_project.pytest("-o", unsaid, "-o", "hermetic_seed=")
    assert result.outcomes() == {"passed": 3}, result.output


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (
            "lifespan",
            "hermetic_app = shop:build: the factory takes settings, which hermetic has not. [HM103]",
        ),
        ("", "The application's database started empty: the suite makes its applications itself. [HM105]"),
    ],
)
def test_a_table_that_nobody_has_made(empty_project: Project, schema: str, why: str) -> None:
    """The test that misses it says why it is not there."""
    write_start_ups(empty_project, FILE.format("shop"))
    empty_project.write_path(
        "test_it.py",
        """
        from fastapi.testclient import TestClient
        from shop import build

        def test_without_a_start_up():
            TestClient(build([])).get("/notes")
        """,
    )
    result = empty_project.pytest("-o", f"hermetic_schema={schema}")
    assert result.outcomes() == {"failed": 1}, result.output
    assert re.search(rf"-+ hermetic -+\n{re.escape(why)}", result.output), result.output


def test_a_start_up_that_fails(empty_project: Project) -> None:
    """Nothing of it is left, and only the test that misses a table hears of it."""
    write_failing(empty_project, FILE.format("shop"))
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 2, "failed": 1}, result.output
    assert "\nhermetic_schema = lifespan raised ConnectionError: no cache [HM104]\n" in result.output
    assert "ConnectionError: no cache; databases of the application started empty" in result.output


@pytest.mark.parametrize("scope", ["function", "session"])
def test_an_application_that_a_fixture_makes_for_each_test(empty_project: Project, scope: str) -> None:
    """It is the application, whichever fixture of ours is first to ask, and no other one is made beside it."""
    write_overridden(empty_project, FILE.format("shop"), scope)
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 7}, result.output
