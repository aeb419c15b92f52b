"""``--hermetic-keep-failed``: what failed tests left stays to be looked at."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.caches import with_initdb
from tests.pytest_plugin.postgresql import on_postgresql
from tests.pytest_plugin.project import Project

TESTS = """
import pytest
from sqlalchemy import text

from shop import engine

leaked = []


async def test_fails(async_client):
    await async_client.post("/users", json={"name": "Ada"})
    assert (await async_client.get("/users")).json() == []


async def test_passes(async_client):
    await async_client.post("/users", json={"name": "Bob"})


async def test_nothing_written(async_client):
    assert (await async_client.get("/users")).json() == ["nobody"]


async def test_leaks(async_client):
    connection = await engine.connect()
    leaked.append(connection)
    await connection.execute(text("INSERT INTO users (name) VALUES ('Eve')"))
    await connection.commit()


@pytest.mark.xfail
async def test_expected(async_client):
    await async_client.post("/users", json={"name": "Zoe"})
    assert 0
"""


def test_on_sqlite(project: Project) -> None:
    """A file for a test that failed, and for one that failed for its leak; its path is in the report."""
    project.write(test_users_py=TESTS)
    result = project.pytest("--hermetic-keep-failed")
    assert result.outcomes() == {"failed": 2, "passed": 2, "errors": 1}
    found = re.findall(r"^kept as (\S+): sqlite:///(.+)$", result.output, re.MULTILINE)
    names = [re.sub(r"_[0-9a-f]{6}\.db$", "", name) for name, _ in found]
    assert sorted(names) == ["hermetic_k_test_fails", "hermetic_k_test_leaks"]
    rows = []
    for _, path in found:
        with closing(sqlite3.connect(path)) as connection:
            rows += connection.execute("SELECT name FROM users").fetchall()
    assert sorted(rows) == [("Ada",), ("Eve",)]
    assert "no database was kept: the test left none that differs from its baseline" in result.output


def test_nothing_is_kept_unasked(project: Project) -> None:
    """Without the switch a failure is only a failure."""
    result = project.write(test_users_py=TESTS).pytest()
    assert "2 failed" in result.output
    assert "kept as" not in result.output
    assert not (project.root / ".hermetic").exists()


def test_on_postgresql(project: Project, tmp_path: Path) -> None:
    """A database of its own, which the next run's server has; its application's connections go on working."""
    on_postgresql(project, with_initdb(tmp_path / "cache")).write(test_users_py=TESTS)
    result = project.pytest("--hermetic-keep-failed", "-x", "-k", "fails")
    (name,) = re.findall(
        r"^kept as (hermetic_k_test_fails_\w{6}): postgresql://", result.output, re.MULTILINE
    )
    assert "'hermetic db start' serves it again" in result.output
    project.write(
        test_kept_py=f"""
        from sqlalchemy import make_url, text
        from sqlalchemy.ext.asyncio import create_async_engine

        async def test_kept(async_client, hermetic_url, request):
            from hermetic.pytest_plugin.state import RUN
            host = request.config.stash[RUN].containment.servers["postgresql"].host
            with host.connect("{name}") as kept:
                assert kept.execute("SELECT name FROM users").fetchall() == [("Ada",)]
                own = "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%hermetic%'"
                assert kept.execute(own).fetchall() == []
                assert kept.execute("SELECT count(*) FROM pg_event_trigger").fetchone() == (0,)
        """
    )
    assert project.pytest("test_kept.py").outcomes() == {"passed": 1}


def test_who_is_in_the_way_is_named(project: Project, tmp_path: Path) -> None:
    """A fixture of the session's that holds a connection keeps it; the test has failed anyhow, and only that."""
    on_postgresql(project, with_initdb(tmp_path / "cache")).write(
        test_held_py="""
        import pytest
        import pytest_asyncio
        from shop import engine

        @pytest_asyncio.fixture(scope="module", loop_scope="session")
        async def held():
            async with engine.connect() as connection:
                yield connection

        @pytest.mark.asyncio(loop_scope="session")
        async def test_fails(held, async_client):
            await async_client.post("/users", json={"name": "Ada"})
            assert 0
        """,
    )
    result = project.pytest("--hermetic-keep-failed")
    assert result.outcomes() == {"failed": 1}
    assert re.search(
        r"the database '\w+' was not kept: .*\n? *fixture 'held' \(module scope\), checked out at",
        result.output,
    )
