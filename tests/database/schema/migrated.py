"""Projects with migrations: what ``env.py`` may look like, and where it may lie."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MIGRATE = """
from alembic import context

config = context.config


def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

"""

SYNC = """
from sqlalchemy import engine_from_config, pool

# async_engine_from_config would do as well: await, asyncio.run(...)
engine = engine_from_config(config.get_section(config.config_ini_section), poolclass=pool.NullPool)
with engine.connect() as connection:
    migrate(connection)
"""

ASYNC = """
import asyncio
from sqlalchemy.ext.asyncio import async_engine_from_config

async def main():
    engine = async_engine_from_config(config.get_section(config.config_ini_section))
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()

asyncio.run(main())
"""

ENVS = {
    "sync": SYNC,
    "async": ASYNC,
    "an async engine around a sync one": """
import asyncio
from sqlalchemy import engine_from_config
from sqlalchemy.ext.asyncio import AsyncEngine

async def main():
    engine = AsyncEngine(engine_from_config(config.get_section("alembic")))
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()

asyncio.run(main())
""",
    "the loop of the thread": ASYNC.replace("asyncio.run", "asyncio.get_event_loop().run_until_complete"),
    "an async helper": """
import asyncio
from helper import connect

asyncio.run(connect(config, migrate))
""",
    "a sync helper": "from helper import connect_at_once\n\nconnect_at_once(config, migrate)\n",
    "a connection or its own": """
connection = config.attributes.get("connection")
if connection is not None:
    migrate(connection)
else:
"""
    + SYNC.replace("\n", "\n    "),
    "a connection": "migrate(config.attributes['connection'])\n",
    "a connection, or an error": """
connection = config.attributes.get("connection", None)
if connection is None:
    raise RuntimeError("pass a connection")
migrate(connection)
""",
    "a connection, or nothing": "if 'connection' in config.attributes:\n    migrate(config.attributes['connection'])\n",
    "an engine": "with config.attributes['connection'].connect() as connection:\n    migrate(connection)\n",
    "the command line": "assert not config.cmd_opts.x and context.get_x_argument() == []\n" + SYNC,
}

HELPER = """
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

async def connect(config, migrate):
    engine = create_async_engine(config.get_main_option("sqlalchemy.url"))
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()

def connect_at_once(config, migrate):
    engine = create_engine(config.get_main_option("sqlalchemy.url"))
    with engine.connect() as connection:
        migrate(connection)
    engine.dispose()
"""


def revision(name: str, down: str | None = None, *, labels: str | None = None, column: str = "first") -> str:
    """Return a migration that makes a table of its name."""
    return f"""
from alembic import op
import sqlalchemy as sa

revision, down_revision, branch_labels = {name!r}, {down!r}, {labels!r}


def upgrade():
    op.create_table("table_{name}", sa.Column("id", sa.Integer), sa.Column({column!r}, sa.Integer))
"""


@dataclass(frozen=True)
class Form:
    """One way in which Alembic is told where migrations lie.

    Attributes:
        files: What the project has, besides ``env.py`` and a migration; ``{root}`` is its folder.
        scripts: Where ``env.py`` lies.
        versions: Where migrations lie.
        spec: What ``hermetic_schema`` is.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    scripts: str = "migrations"
    versions: tuple[str, ...] = ("migrations/versions",)
    spec: str = "alembic.ini"

    def write(self, root: Path, env: str = SYNC) -> None:
        """Write the project, with one migration in each of its places."""
        write(root, f"{self.scripts}/env.py", MIGRATE + env)
        for number, place in enumerate(self.versions):
            write(root, f"{place}/m{number}.py", revision(f"m{number}", labels=f"branch{number}"))
        for name, text in self.files.items():
            write(root, name, text.replace("{root}", str(root)))


def write(root: Path, name: str, text: str) -> None:
    """Write a file."""
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def ini(*lines: str, section: str = "alembic") -> str:
    """Return an ``alembic.ini``."""
    return "\n".join([f"[{section}]", *lines, "sqlalchemy.url = driver://user:pass@localhost/dbname", ""])


def _separated(separator: str, *lines: str, last: str = "mig rations/versions") -> Form:
    """Return a form with three places of versions, the last of them below ``env.py``."""
    places = ("one", "two", last)
    named = separator.join(["%(here)s/one", "two", last])
    text = ini("script_location = mig rations", f"version_locations = {named}", *lines)
    return Form({"alembic.ini": text}, "mig rations", places)


def _at(file: str, text: str, scripts: str, *versions: str) -> Form:
    """Return a form whose ``env.py`` lies in ``scripts``, and its versions in there if nowhere else."""
    packages = {"shop/__init__.py": "", "shop/data/__init__.py": ""}
    return Form({file: text, **packages}, scripts, versions or (f"{scripts}/versions",), file)


BELOW = ini("script_location = shop.data:of/alembic", "version_locations = shop:v1 shop.data:v2")
INSIDE = ini(
    "script_location = shop:alembic", "version_locations = shop:alembic/versions", "prepend_sys_path = ."
)
TOML = """
[tool.alembic]
script_location = "%(here)s/migrations"
version_locations = ["one", "%(here)s/two"]
prepend_sys_path = ["."]
"""
SOURCES = {
    "src/inner_of_src.py": "",
    "migrations/versions/also.py": "import inner_of_src\n" + revision("also"),
}

FORMS = {
    "relative": Form({"alembic.ini": ini("script_location = migrations")}),
    "here": _at("alembic.ini", ini("script_location = %(here)s/mig%%rations"), "mig%rations"),
    "absolute": Form({"alembic.ini": ini("script_location = {root}/migrations")}),
    "package": _at("alembic.ini", ini("script_location = shop:migrations"), "shop/migrations"),
    "package below": _at("alembic.ini", BELOW, "shop/data/of/alembic", "shop/v1", "shop/data/v2"),
    "package, file inside": _at("shop/alembic.ini", INSIDE, "shop/alembic"),
    "run from above": _at("db/alembic.ini", ini("script_location = db/migrations"), "db/migrations"),
    "path_separator = os": _separated(os.pathsep, "path_separator = os"),
    "path_separator = ;": _separated(";", "path_separator = ;"),
    "path_separator = newline": _separated("\n  ", "path_separator = newline"),
    "path_separator = space": _separated("  ", "path_separator = space", last="three"),
    "version_path_separator": _separated(":", "version_path_separator = :"),
    "no separator": _separated(", ", last="three"),
    "recursive": Form(
        {"alembic.ini": ini("script_location = migrations", "recursive_version_locations = true")},
        versions=("migrations/versions/2026/01",),
    ),
    "another section": Form(
        {"alembic.ini": ini("script_location = migrations", section="tenants")}, spec="alembic.ini:tenants"
    ),
    "source folder": Form(
        {"alembic.ini": ini("script_location = migrations", "prepend_sys_path = . src lib"), **SOURCES}
    ),
    "pyproject": Form({"pyproject.toml": TOML}, versions=("one", "two"), spec="pyproject.toml"),
    "pyproject and ini": Form({"pyproject.toml": TOML, "alembic.ini": ini()}, versions=("one", "two")),
    "pyproject above": Form(
        {"pyproject.toml": TOML, "db/database.ini": ini()}, versions=("one", "two"), spec="db/database.ini"
    ),
}
"""Every form; the names are those of the tests."""
