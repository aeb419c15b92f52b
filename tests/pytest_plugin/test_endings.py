"""What fails at the end of a test or a fixture keeps nothing else from being undone."""

from __future__ import annotations

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import ini, said

SHUTDOWN_FAILS = """
import shop
from contextlib import asynccontextmanager

@asynccontextmanager
async def lifespan(app):
    yield
    if not shop.events:
        shop.events.append("failed")
        raise RuntimeError("the broker is gone")

shop.app.router.lifespan_context = lifespan
"""


def test_a_module_lifespan_whose_shutdown_fails(project: Project) -> None:
    """The last test of the module is told; its override, its variable and its rows are gone, its leak is named."""
    project.write(
        pytest_ini=ini("hermetic_lifespan_scope = module", "hermetic_leaks = error"),
        conftest_py=SHUTDOWN_FAILS,
        test_a_py="""
            import os
            import shop

            async def test_last(async_client, hermetic_engine):
                shop.app.dependency_overrides[shop.get_session] = lambda: None
                os.environ["LEFT"] = "1"
                test_last.connection = await hermetic_engine.connect()
                shop.app.dependency_overrides.clear()
                assert (await async_client.post("/users", json={"name": "x"})).status_code == 201
                shop.app.dependency_overrides[shop.get_session] = lambda: None
            """,
        test_b_py="""
            import os
            import shop

            async def test_next(async_client):
                assert shop.app.dependency_overrides == {}
                assert "LEFT" not in os.environ
                assert (await async_client.get("/users")).json() == []
            """,
    )
    result = project.pytest()
    for told in ("RuntimeError: the broker is gone", "[HM400]", "test_a.py:7"):
        assert told in result.output, result.output
    assert result.outcomes() == {"passed": 2, "errors": 1}


def test_two_databases_that_are_blocked(project: Project) -> None:
    """Both are named, in words alone."""
    project.write(
        conftest_py="""
            import pytest
            from sqlalchemy import create_engine, text

            import other

            @pytest.fixture(scope="session")
            def holders():
                with other.first.connect() as one, other.second.connect() as two:
                    yield one, two
            """,
        other_py="""
            from sqlalchemy import create_engine

            first = create_engine("sqlite:///./first.db")
            second = create_engine("sqlite:///./second.db")
            """,
        test_a_py="""
            from sqlalchemy import text

            import other

            def test_writes(holders):
                for engine, holder in zip([other.first, other.second], holders):
                    with engine.begin() as connection:
                        connection.execute(text("CREATE TABLE t (n INTEGER)"))
                    holder.execute(text("BEGIN IMMEDIATE"))
            """,
    )
    result = project.pytest()
    assert result.output.count("[HM300]") >= 2, result.output
    assert "Traceback" not in result.output
    assert result.outcomes() == {"passed": 1, "errors": 1}


BUILDS_ON = """
import pytest
from sqlalchemy import create_engine, text

import shop

engine = create_engine("sqlite:///./production.db")
living = []

def run(*statements):
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))

def names():
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT name FROM users ORDER BY name")))

@pytest.fixture(scope="module")
def renamed():
    run("INSERT INTO users (name) VALUES ('module')", "UPDATE users SET name = 'renamed' WHERE name = 'test'")
    living.append("renamed")
    yield "renamed"
    living.remove("renamed")

@pytest.fixture(scope="module")
def inner():
    run("INSERT INTO users (name) VALUES ('inner')")
    living.append("inner")
    yield "inner"
    living.remove("inner")

@pytest.fixture(scope="module")
def outer(request):
    run("INSERT INTO users (name) VALUES ('outer')", "UPDATE users SET name = 'renamed' WHERE name = 'test'")
    request.getfixturevalue("inner")
    living.append("outer")
    yield "outer"
    living.remove("outer")
"""


def test_a_wide_fixture_that_builds_on_its_test(project: Project) -> None:
    """The test that asked too late fails, and the next one gets the fixture, set up anew from the baseline."""
    project.write(
        building_py=BUILDS_ON,
        conftest_py="from building import inner, outer, renamed",
        test_a_py="""
            from building import living, names, run

            def test_asks_too_late(request):
                run("INSERT INTO users (name) VALUES ('test')")
                request.getfixturevalue("renamed")

            def test_has_ended():
                assert living == [] and names() == []

            def test_asks(renamed):
                assert living == ["renamed"] and names() == ["module"]

            def test_goes_on(renamed):
                assert living == ["renamed"] and names() == ["module"]
            """,
    )
    result = project.pytest()
    said(result, "[HM310]", "fixture 'renamed' (module scope)")
    assert result.outcomes() == {"passed": 3, "failed": 1}


def test_a_wide_fixture_that_is_asked_for_by_one_that_builds_on_its_test(project: Project) -> None:
    """Neither was set up; the next test gets both, and what tests write is no part of either."""
    project.write(
        building_py=BUILDS_ON,
        conftest_py="from building import inner, outer, renamed",
        test_a_py="""
            from building import living, names, run

            def test_asks_too_late(request):
                run("INSERT INTO users (name) VALUES ('test')")
                request.getfixturevalue("outer")

            def test_writes():
                assert living == [] and names() == []
                run("INSERT INTO users (name) VALUES ('test')")

            def test_asks(outer):
                assert living == ["inner", "outer"] and names() == ["inner", "outer"]
            """,
    )
    result = project.pytest()
    said(result, "[HM310]")
    assert result.outcomes() == {"passed": 2, "failed": 1}


def test_a_wide_fixture_around_one_that_builds_on_its_test(project: Project) -> None:
    """It asked for that one, and is set up anew with it: the failure is that of the test that asked too late."""
    project.write(
        building_py=BUILDS_ON,
        conftest_py="""
            import pytest
            from building import run

            @pytest.fixture(scope="session")
            def around(request):
                run("INSERT INTO users (name) VALUES ('around')")
                request.getfixturevalue("within")

            @pytest.fixture(scope="session")
            def within(request):
                request.getfixturevalue("asked")
            """,
        test_a_py="""
            import pytest
            from building import names, run

            @pytest.fixture(scope="session")
            def asked():
                run("INSERT INTO users (name) VALUES ('asked')", "UPDATE users SET name = 'new' WHERE name = 'test'")

            def test_asks_too_late(request):
                run("INSERT INTO users (name) VALUES ('test')")
                request.getfixturevalue("around")

            def test_writes():
                assert names() == []

            def test_asks(around):
                assert names() == ["around", "asked"]

            def test_goes_on(around):
                assert names() == ["around", "asked"]
            """,
    )
    result = project.pytest()
    said(result, "[HM310]", "fixture 'asked' (session scope)")
    assert result.outcomes() == {"passed": 3, "failed": 1}
