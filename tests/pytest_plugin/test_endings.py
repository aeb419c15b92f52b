"""What fails at the end of a test or a fixture keeps nothing else from being undone."""

from __future__ import annotations

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import ini

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
