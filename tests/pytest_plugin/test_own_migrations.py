"""A suite whose own fixture runs the migrations, beside ``hermetic_schema = alembic.ini``."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.on_postgresql.test_alembic import ALEMBIC, ENV, FIRST
from tests.pytest_plugin.project import INI, Project

SYNC_ENV = """
from alembic import context
from shop import Base
from sqlalchemy import engine_from_config

with engine_from_config(context.config.get_section("alembic")).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""


@pytest.mark.parametrize(
    ("env", "driver"), [(ENV, "sqlite+aiosqlite"), (SYNC_ENV, "sqlite")], ids=["async", "sync"]
)
def test_its_first_connection_is_inside_a_migration(project: Project, env: str, driver: str) -> None:
    """hermetic's own run of the migrations comes between, and the suite's goes on: up to date already."""
    project.write(
        alembic_ini=ALEMBIC.replace(
            "postgresql+asyncpg://shop:secret@db.example/shop", f"{driver}:///./production.db"
        ),
        pytest_ini=INI + "hermetic_schema = alembic.ini\n",
        conftest_py="""
        import pytest
        from alembic import command
        from alembic.config import Config


        @pytest.fixture(scope="session", autouse=True)
        def migrate():
            config = Config("alembic.ini")
            command.upgrade(config, "head")
            yield
            command.downgrade(config, "base")
        """,
        test_a_py="""
        import pytest


        @pytest.mark.parametrize("again", [1, 2])
        async def test_it(again, async_client):
            assert (await async_client.get("/users")).json() == ["migrated"]
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 2
        """,
    )
    project.write_path("migrations/env.py", env)
    project.write_path("migrations/versions/first.py", FIRST)
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
    assert (project.root / "runs.txt").read_text() == "run "
    assert not (project.root / "production.db").exists()
