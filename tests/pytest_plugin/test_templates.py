"""The template: built once for what it depends on, reused by later runs, built anew where any of that changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pytest_plugin.on_postgresql.test_xdist import SEED
from tests.pytest_plugin.postgresql import URL, on_postgresql
from tests.pytest_plugin.project import INI, Project
from tests.pytest_plugin.saying import said

TEST = """
async def test_it(async_client):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 2
"""


TWO = """
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

engines = [create_async_engine("{url}".replace("shop", name)) for name in ("shop", "log")]


@asynccontextmanager
async def lifespan(app):
    for engine in engines:
        async with engine.begin() as connection:
            await connection.execute(text(f"CREATE TABLE IF NOT EXISTS of_{{engine.url.database[-3:]}} (x int)"))
    yield


app = FastAPI(lifespan=lifespan)
"""

TEST_TWO = """
from shop import engines
from sqlalchemy import inspect


async def test_it(async_client):
    await async_client.get("/")
    for engine in engines:
        async with engine.connect() as connection:
            tables = await connection.run_sync(lambda connection: inspect(connection).get_table_names())
            assert tables == [f"of_{engine.url.database[-3:]}"]
"""


@pytest.fixture
def seeded(project: Project, cache: Path) -> Project:
    """A shop with a seed that counts how often it runs, and a file that it reads."""
    lines = "hermetic_database = postgresql\nhermetic_seed = seeds:first\n"
    reads = SEED.replace("session.add(", "open('data/users.csv').close()\n    session.add(", 1)
    on_postgresql(project, cache).write(seeds_py=reads, pytest_ini=INI + lines, test_shop_py=TEST)
    return project.write_path("data/users.csv", "Ada\n")


def builds(project: Project, *arguments: str, says: str = "") -> int:
    """Run the project; return how often it was built in that run."""
    log = project.root / "builds.txt"
    log.unlink(missing_ok=True)
    result = project.pytest(*arguments)
    assert result.outcomes() == {"passed": 1}, result.output
    assert says in result.output
    built = log.read_text().count("built") if log.exists() else 0
    assert ("template reused, built 2" in result.output) == (built == 0), result.output
    return built


def edit(project: Project, path: str, old: str, new: str) -> None:
    """Change a file of the project."""
    file = project.root / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_what_it_depends_on(seeded: Project) -> None:
    """Model, seed, a file that it reads and the flag build anew, once each; everything else does not."""
    assert builds(seeded) == 1
    assert builds(seeded) == 0
    edit(seeded, "test_shop.py", '"x"', '"y"')
    assert builds(seeded) == 0
    edit(seeded, "shop.py", "mapped_column(unique=True)", "mapped_column(String(50), unique=True)")
    edit(seeded, "shop.py", "from sqlalchemy import select", "from sqlalchemy import String, select")
    assert builds(seeded) == 1
    edit(seeded, "seeds.py", '"seeded"', '"planted"')
    assert builds(seeded) == 1
    edit(seeded, "data/users.csv", "Ada", "Grace")
    assert builds(seeded, says="; data/users.csv changed") == 1
    assert builds(seeded, "--hermetic-rebuild") == 1
    assert builds(seeded) == 0


def test_what_cannot_be_known(seeded: Project) -> None:
    """What a process of a seed reads: each run builds anew and says so, until a setting names it; workers share one."""
    edit(
        seeded, "seeds.py", "open('data/users.csv').close()", "__import__('os').system('cat data/users.csv')"
    )
    says = "template built for this run only: what cat (seeds.py:11) read is not known"
    assert builds(seeded, says=says) == 1
    tests = seeded.write(test_more_py=TEST).pytest("-p", "xdist", "-n", "2", "--dist", "loadfile")
    said(tests, says, "template reused, built 2", status=0)
    named = ("-o", "hermetic_fingerprint=data/*.csv", "test_shop.py")
    assert builds(seeded, *named, says="template built (fingerprint ") == 1
    assert builds(seeded, *named) == 0


def test_a_build_that_fails(seeded: Project) -> None:
    """It says what failed and leaves no template; mended, the next run builds."""
    edit(seeded, "seeds.py", 'session.add(User(name="seeded"))', "raise RuntimeError('no seed today')")
    result = seeded.pytest()
    assert result.outcomes() == {"failed": 1}, result.output
    assert "no seed today" in result.output
    assert "hermetic_seed" in result.output
    edit(seeded, "seeds.py", "raise RuntimeError('no seed today')", 'session.add(User(name="seeded"))')
    assert builds(seeded) == 1
    assert builds(seeded) == 0


@pytest.mark.parametrize("url", [URL, "sqlite+aiosqlite:///./shop"], ids=["postgresql", "sqlite"])
def test_what_fills_two_databases(project: Project, cache: Path, url: str) -> None:
    """Neither is kept, since a copy of one would leave the other empty; and neither waits for the other."""
    project.environment["HERMETIC_CACHE"] = str(cache)
    project.write(shop_py=TWO.format(url=url), test_a_py=TEST_TWO)
    for _ in range(2):
        result = project.pytest("-o", "hermetic_schema=lifespan")
        said(result, "template: none, since what fills the database used others too: ", "1 passed", status=0)


def test_tables_that_come_too_late(project: Project) -> None:
    """A MetaData knows no table of a module that nobody has imported; once one is, the closing lines say so."""
    project.write_path(
        "late.py", "import shop\nfrom sqlalchemy import Table\n\nTable('jobs', shop.Base.metadata)\n"
    )
    project.write(
        test_a_py="async def test_it(async_client):\n    await async_client.get('/users')\n    import late\n"
    )
    late = "schema: shop:Base.metadata got jobs when the databases were made already, which lack it"
    said(project.pytest("-o", "hermetic_schema=shop:Base.metadata"), late, "where shop is imported", status=0)


def test_two_workers_on_sqlite(project: Project, tmp_path: Path) -> None:
    """They build once, with the flag too; a file that is damaged is told, and made anew."""
    project.environment["HERMETIC_CACHE"] = str(tmp_path / "cache")
    project.plugins = (*project.plugins, "xdist")
    tests = "\n".join(TEST.replace("test_it", f"test_{number}") for number in range(8))
    project.write(seeds_py=SEED, pytest_ini=INI + "hermetic_seed = seeds:first\n", test_shop_py=tests)
    for _ in range(2):
        result = project.pytest("-n", "2", "--hermetic-rebuild")
        said(result, "template built (fingerprint ", "template reused, built 2", "8 passed", status=0)
    assert (project.root / "builds.txt").read_text() == "built built "
    (template,) = (tmp_path / "cache").rglob("*.db")
    template.write_bytes(template.read_bytes().replace(b"seeded", b"sEEded"))
    result = project.pytest("-p", "no:xdist")
    said(result, f"; what was kept as {template} is not used: its checksum is wrong", status=0)
    assert (project.root / "builds.txt").read_text() == "built built built "
