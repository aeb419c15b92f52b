"""Real migrations, run once for the template: async ``env.py``, ``fileConfig``, data migrations, several heads."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import INI, Project

ENV = """
import asyncio
from logging.config import fileConfig

from alembic import context
from shop import Base
from sqlalchemy.ext.asyncio import async_engine_from_config

fileConfig(context.config.config_file_name)


def migrate(connection):
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    engine = async_engine_from_config(context.config.get_section(context.config.config_ini_section))
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(main())
"""

FIRST = '''
"""The tables, and a row."""
import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None


def upgrade():
    users = op.create_table(
        "users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False, unique=True),
    )
    op.bulk_insert(users, [{"name": "migrated"}])
    with open("runs.txt", "a") as file:
        file.write("run ")


def downgrade():
    op.drop_table("users")
'''

HEAD = """
from alembic import op

revision = "{name}"
down_revision = "1"


def upgrade():
    op.execute("INSERT INTO users (name) VALUES ('head {name}')")


def downgrade():
    op.execute("DELETE FROM users WHERE name = 'head {name}'")
"""

ALEMBIC = """
[alembic]
script_location = migrations
prepend_sys_path = .
path_separator = os
sqlalchemy.url = postgresql+asyncpg://shop:secret@db.example/shop

[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys =
[logger_root]
level = WARN
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
"""

TESTS = """
import asyncio
import logging

from alembic import command
from alembic.config import Config


def config(url):
    found = Config("alembic.ini")
    found.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return found


async def test_the_rows_of_migrations_are_there(async_client):
    assert sorted((await async_client.get("/users")).json()) == sorted(["head a", "head b", "migrated"])
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 4


async def test_they_are_there_again(async_client):
    assert sorted((await async_client.get("/users")).json()) == sorted(["head a", "head b", "migrated"])


def test_logging_is_what_it_was(caplog, hermetic_database):
    logging.getLogger("shop.before").warning("heard")
    assert "heard" in caplog.text
    assert not logging.getLogger("shop.before").disabled


async def test_alembic_check_is_clean(hermetic_url):
    await asyncio.to_thread(command.check, config(hermetic_url))
"""


@pytest.fixture
def migrated(project: Project) -> Project:
    """A shop with two heads of migrations."""
    project.write(
        alembic_ini=ALEMBIC.replace("= migrations", "= data:migrations"),
        pytest_ini=INI + "hermetic_schema = alembic.ini\n",
        test_shop_py=TESTS,
        script_mako="",
    )
    project.write_path("conftest.py", "import logging\n\nlogging.getLogger('shop.before')\n")
    project.write_path("data/__init__.py", "")
    project.write_path("data/migrations/env.py", ENV)
    project.write_path("data/migrations/versions/first.py", FIRST)
    for name in ("a", "b"):
        project.write_path(f"data/migrations/versions/{name}.py", HEAD.format(name=name))
    return project


def test_migrations_are_the_template(migrated: Project) -> None:
    """They run once, not in the next run, and again when one was added or edited."""
    for runs in ("run ", "run "):
        result = migrated.pytest()
        assert result.outcomes() == {"passed": 4}, result.output
        assert (migrated.root / "runs.txt").read_text() == runs
    migrated.write_path("data/migrations/versions/c.py", HEAD.format(name="c"))
    migrated.write_path("data/migrations/versions/b.py", HEAD.format(name="b").replace("head b", "edited"))
    migrated.write(test_shop_py=TESTS.replace('"head b"', '"edited", "head c"'))
    result = migrated.pytest("-k", "again")
    assert result.outcomes()["passed"] == 1, result.output
    assert (migrated.root / "runs.txt").read_text() == "run run "


def test_a_migration_that_fails(migrated: Project) -> None:
    """Its own error, with the frames of the project's code."""
    migrated.write_path(
        "data/migrations/versions/c.py", HEAD.format(name="c").replace("INTO users", "INTO nowhere")
    )
    result = migrated.pytest("-k", "again")
    assert result.status == 1
    assert 'relation "nowhere" does not exist' in result.output
    assert "hermetic_schema = alembic.ini" in result.output
