"""What a template saves a project of many migrations on SQLite: ``python -m benchmarks.migrations``.

Whole pytest runs of four tests, alone and with two workers: with a cache in which nothing can be kept, so that each
process runs all migrations; with an empty one; and with what the run before has left there.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import run_pytest
from benchmarks.projects import INI, workplace
from benchmarks.results import Json, Report, keep, table
from benchmarks.samples import sample

ROUNDS = 5
MIGRATIONS = 200
EVERY = 4
"""A table is made in each fourth of them; in the others Alembic makes it anew, as SQLite needs for most changes."""

NOWHERE = "/dev/null/hermetic"

APP = """\
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("sqlite+aiosqlite:///./production.db")
app = FastAPI()
"""

TESTS = """\
import pytest
from sqlalchemy import text


@pytest.mark.parametrize("number", range(4))
async def test_it(number, async_test_db):
    await async_test_db.execute(text("INSERT INTO t_000 (name) VALUES ('a test')"))
    assert await async_test_db.scalar(text("SELECT count(*) FROM t_000")) == 2
"""

ENV = """\
from alembic import context
from sqlalchemy import create_engine

with create_engine(context.config.get_main_option("sqlalchemy.url")).begin() as connection:
    context.configure(connection=connection, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
"""

HEAD = """\
import sqlalchemy as sa
from alembic import op

revision = "{number:03}"
down_revision = {before}


def upgrade():
"""

STEPS = (
    """\
    op.create_table(
        "t_{table:03}",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("created", sa.DateTime, server_default=sa.func.now()),
        *(sa.Column(f"more_{{number}}", sa.String(100)) for number in range(12)),
    )
    op.create_index("n_{table:03}", "t_{table:03}", ["name"])
""",
    """\
    with op.batch_alter_table("t_{table:03}") as batch:
        batch.add_column(sa.Column("status", sa.String(20), nullable=False, server_default="new"))
        batch.create_index("i_{table:03}", ["status"])
""",
    """\
    with op.batch_alter_table("t_{table:03}") as batch:
        batch.alter_column("name", type_=sa.String(200))
""",
    """\
    with op.batch_alter_table("t_{table:03}") as batch:
        batch.alter_column("more_0", nullable=False, server_default="")
    op.execute("INSERT INTO t_{table:03} (name) VALUES ('first')")
""",
)

Cache = tuple[str, Path | str, bool]
"""How a run finds its cache: what the table calls that, where it is, and whether it is emptied before."""


def write_project(folder: Path, count: int = MIGRATIONS) -> Path:
    """Write a project with so many migrations."""
    root = folder / "migrated"
    versions = root / "migrations" / "versions"
    versions.mkdir(parents=True)
    ini = f"{INI}hermetic_app = app:app\nhermetic_schema = alembic.ini\n"
    loops = ("asyncio_default_fixture_loop_scope", "asyncio_default_test_loop_scope")
    (root / "pytest.ini").write_text(ini + "".join(f"{key} = session\n" for key in loops), encoding="utf-8")
    (root / "alembic.ini").write_text("[alembic]\nscript_location = migrations\n", encoding="utf-8")
    (root / "app.py").write_text(APP, encoding="utf-8")
    (root / "test_app.py").write_text(TESTS, encoding="utf-8")
    (root / "migrations" / "env.py").write_text(ENV, encoding="utf-8")
    for number in range(count):
        head = HEAD.format(number=number, before=f'"{number - 1:03}"' if number else None)
        step = STEPS[number % EVERY].format(table=number // EVERY)
        (versions / f"v{number:03}.py").write_text(head + step, encoding="utf-8")
    return root


def measure(root: Path, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return the seconds of whole runs, by the number of workers and the state of the cache."""
    cache = root.parent / "cache"
    caches: list[Cache] = [
        ("nothing can be kept", NOWHERE, False),
        ("nothing is kept yet", cache, True),
        ("kept by an earlier run", cache, False),
    ]
    took: dict[str, dict[str, list[float]]] = {"alone": {}, "`-n 2`": {}}
    for number in range(rounds + 1):
        for seconds, workers in zip(took.values(), (["-p", "no:xdist"], ["-n", "2"]), strict=True):
            for title, place, emptied in caches:
                if emptied:
                    shutil.rmtree(cache, ignore_errors=True)
                run = run_pytest(
                    root, ("hermetic", "asyncio", "xdist"), workers, {"HERMETIC_CACHE": str(place)}
                )
                if number:  # the first compiles
                    seconds.setdefault(title, []).append(round(run.wall, 3))
    return took


def report(took: dict[str, dict[str, list[float]]], migrations: int) -> Report:
    """Write the table."""
    titles = list(took["alone"])
    rows = [[title, *(sample(seconds[title]).text() for seconds in took.values())] for title in titles]
    text = (
        f"## Start-up with {migrations} migrations, SQLite\n\n"
        f"Seconds of a whole pytest process with four tests, {len(took['alone'][titles[0]])} rounds, in turns. Where "
        "nothing can be kept, each process runs all migrations, as before there were templates on SQLite.\n\n"
        + table(["the template", *took], rows)
    )
    raw: Json = {"migrations": migrations, "seconds": took}
    return Report("migrations", text, raw)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--migrations", type=int, default=MIGRATIONS)
    options = parser.parse_args(arguments)
    with workplace() as folder:
        made = report(measure(write_project(folder, options.migrations), options.rounds), options.migrations)
    if options.migrations == MIGRATIONS:
        keep(made)
    print(made.text)


if __name__ == "__main__":
    main()
