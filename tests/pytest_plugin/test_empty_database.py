"""``hermetic_empty_database``: a database of the test's own, for tests of the migrations themselves."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.caches import with_initdb
from tests.pytest_plugin.postgresql import on_postgresql
from tests.pytest_plugin.project import Project

ENV = """
import asyncio

from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine


def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    engine = create_async_engine(context.config.get_main_option("sqlalchemy.url"))
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(main())
"""
FIRST = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "1", None


def upgrade():
    op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))
    op.execute("INSERT INTO users (id, name) VALUES (1, 'of the migration')")


def downgrade():
    op.drop_table("users")
"""
TESTS = """
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect, text

urls = []


@pytest.fixture
def config(hermetic_empty_database):
    config = Config("alembic.ini")
    config.set_main_option("sqlalchemy.url", hermetic_empty_database.url.replace("%", "%%"))
    return config


@pytest.fixture
def engine(hermetic_empty_database):
    urls.append(hermetic_empty_database.url)
    engine = create_engine(hermetic_empty_database.sync_url)
    yield engine
    engine.dispose()


def test_it_is_empty(engine):
    assert inspect(engine).get_table_names() == []
    assert [name for name in inspect(engine).get_schema_names() if "hermetic" in name] == []


def test_up_and_down(config, engine, hermetic_url):
    command.upgrade(config, "head")
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT name FROM users")) == "of the migration"
    command.downgrade(config, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    assert hermetic_url != urls[-1]


def test_another_test_has_another(engine, hermetic_empty_database):
    assert inspect(engine).get_table_names() == []
    assert len(set(urls)) == 3


async def test_the_application_s_is_not_touched(async_client, hermetic_empty_database):
    assert (await async_client.post("/users", json={"name": "Ada"})).status_code == 201
    assert (await async_client.get("/users")).json() == ["Ada"]


async def test_a_leak_is_one_here_too(hermetic_empty_database):
    from sqlalchemy.ext.asyncio import create_async_engine

    test_a_leak_is_one_here_too.left = await create_async_engine(hermetic_empty_database.url).connect()


def test_they_are_dropped(hermetic_database, request):
    from hermetic.pytest_plugin.state import RUN

    assert len(request.config.stash[RUN].databases.inventory.all()) == 1
"""


@pytest.fixture
def migrated(project: Project) -> Project:
    """The example with a migration."""
    project.write_path(
        "alembic.ini", "[alembic]\nscript_location = %(here)s/migrations\npath_separator = os\n"
    )
    project.write_path("migrations/env.py", ENV)
    project.write_path("migrations/versions/first.py", FIRST)
    return project.write(test_migrations_py=TESTS)


def test_on_sqlite(migrated: Project) -> None:
    """Migrations go up and down on it, engines to it pass, and it is gone afterwards."""
    result = migrated.pytest()
    assert result.outcomes() == {"passed": 6, "errors": 1}, result.output


def test_on_postgresql(migrated: Project, tmp_path: Path) -> None:
    """The same there; a failed test's is kept as any other."""
    on_postgresql(migrated, with_initdb(tmp_path / "cache"))
    result = migrated.pytest("--hermetic-keep-failed")
    assert result.outcomes() == {"passed": 6, "errors": 1}, result.output
    assert "kept as hermetic_k_test_a_leak_is_one_here_too_" in result.output


@pytest.mark.skipif(
    find_spec("pytest_alembic") is None,
    reason="not in .venv, where its plugin would break each project that is tried there; `make compat` runs this",
)
def test_pytest_alembic(empty_project: Project) -> None:
    """The tests that it brings run there: the revisions go up and down."""
    empty_project.plugins = (*empty_project.plugins, "pytest_alembic")
    empty_project.write(
        pytest_ini="""
        [pytest]
        asyncio_default_fixture_loop_scope = session
        hermetic = on
        hermetic_database = sqlite
        pytest_alembic_tests_path = none.py
        """,
        alembic_ini="[alembic]\nscript_location = migrations\n",
        test_migrations_py="""
        import pytest
        from pytest_alembic.tests import test_single_head_revision, test_up_down_consistency, test_upgrade
        from sqlalchemy import create_engine

        @pytest.fixture
        def alembic_config(hermetic_empty_database):
            return {"sqlalchemy.url": hermetic_empty_database.url.replace("%", "%%")}

        @pytest.fixture
        def alembic_engine(hermetic_empty_database):
            engine = create_engine(hermetic_empty_database.sync_url)
            yield engine
            engine.dispose()
        """,
    )
    empty_project.write_path("migrations/env.py", ENV)
    empty_project.write_path("migrations/versions/first.py", FIRST)
    result = empty_project.pytest("-W", "default")
    assert result.outcomes() == {"passed": 3}, result.output
