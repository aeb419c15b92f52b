"""libpq's variables in the shell that starts pytest: they lead nowhere, and say what the application's URL means."""

from __future__ import annotations

import pytest

from tests.database.backends.postgresql.restore.test_surroundings import ELSEWHERE
from tests.pytest_plugin.postgresql import URL
from tests.pytest_plugin.project import APP, Project
from tests.pytest_plugin.saying import ini, said


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_a_service(project: Project, arguments: tuple[str, ...]) -> None:
    """It is the application's database, also for an engine that names it in full, in every process of the run."""
    project.write(
        services_conf="[production]\nhost=db.example\nport=6000\ndbname=shop\nuser=shop\n",
        shop_py=APP.replace("sqlite+aiosqlite:///./production.db", "postgresql+asyncpg://"),
        pytest_ini=ini(),
        test_a_py="""
        import os
        import psycopg
        import pytest
        from sqlalchemy import text
        from sqlalchemy.ext.asyncio import create_async_engine

        @pytest.mark.parametrize("again", range(2))
        async def test_it(again, async_client):
            assert "PGSERVICE" not in os.environ
            assert (await async_client.post("/users", json={"name": "Ada"})).json()["id"] == 1
            engine = create_async_engine("postgresql+asyncpg://db.example:6000/shop")
            async with engine.connect() as connection:
                assert await connection.scalar(text("SELECT name FROM users")) == "Ada"
            await engine.dispose()
            with psycopg.connect("") as connection:
                assert connection.execute("SELECT name FROM users").fetchone() == ("Ada",)
        """,
    )
    services = str(project.root / "services.conf")
    project.environment |= {**ELSEWHERE, "PGSERVICE": "production", "PGSERVICEFILE": services}
    for name in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGDATABASE"):
        project.environment[name] = ""  # the service says it
    project.plugins = (*project.plugins, "xdist")
    result = project.pytest(*arguments)
    assert result.outcomes() == {"passed": 2}, result.output


def test_a_variable_at_fault(project: Project) -> None:
    """One that no connection can be kept from is named, by its value, in the error of whoever connects first."""
    project.write(test_a_py="async def test_it(async_client):\n    await async_client.get('/users')\n")
    project.environment["PGTZ"] = "Nowhere"
    result = project.pytest()
    said(result, "the environment sets PGTZ=Nowhere", "hint: unset PGTZ")


def test_a_password_of_two_words(project: Project) -> None:
    """A server of somebody's own that is not there is named without it."""
    project.write(
        shop_py=APP.replace("sqlite+aiosqlite:///./production.db", URL),
        pytest_ini=ini("hermetic_postgresql = postgresql://somebody:open sesame@127.0.0.1:1/postgres"),
        test_a_py="async def test_it(async_client):\n    await async_client.get('/users')\n",
    )
    result = project.pytest()
    said(result, "the PostgreSQL server postgresql://somebody:***@127.0.0.1:1/postgres cannot be reached")
    assert "sesame" not in result.output
