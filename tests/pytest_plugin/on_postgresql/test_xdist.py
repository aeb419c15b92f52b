"""xdist: a database a worker, one server, one template, nothing built twice; ``-n 0`` is a run like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pytest_plugin.project import INI, Project
from tests.pytest_plugin.saying import said

SEED = """
import os
from pathlib import Path

from shop import User
from sqlalchemy.ext.asyncio import AsyncSession


async def first(session: AsyncSession) -> None:
    with (Path(__file__).parent / "builds.txt").open("a") as file:
        file.write("built ")
    session.add(User(name="seeded"))
"""

MANY = """
import os
import pytest
from sqlalchemy import make_url, text

@pytest.mark.parametrize("n", range(8))
async def test_many(async_client, async_test_db, hermetic_url, n):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 2
    name = await async_test_db.scalar(text("SELECT current_database()"))
    started = await async_test_db.scalar(text("SELECT pg_postmaster_start_time()::text"))
    with open("seen.txt", "a") as file:
        file.write(f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}|{name}|{started}\\n")
"""


@pytest.fixture
def seeded(project: Project) -> Project:
    """A shop with a seed that counts how often it runs."""
    project.write(seeds_py=SEED, pytest_ini=INI + "hermetic_seed = seeds:first\n", test_shop_py=MANY)
    project.plugins = (*project.plugins, "xdist")
    return project


def seen(root: Path) -> tuple[set[str], set[str], set[str]]:
    """Return the workers, databases and servers that tests noted, and forget them."""
    rows = [line.split("|") for line in (root / "seen.txt").read_text().splitlines()]
    (root / "seen.txt").unlink()
    assert len(rows) == 8
    workers, databases, servers = ({row[part] for row in rows} for part in range(3))
    return workers, databases, servers


def test_two_workers_and_none(seeded: Project) -> None:
    """Two workers share one server and one build; ``-n 0`` and no xdist at all find the same template."""
    result = seeded.pytest("-n", "2")
    assert result.outcomes() == {"passed": 8}, result.output
    workers, databases, servers = seen(seeded.root)
    assert workers == {"gw0", "gw1"}
    assert {name.rpartition("_")[2] for name in databases} == workers
    assert len(servers) == 1

    for arguments in (("-n", "0"), ("-p", "no:xdist")):
        result = seeded.pytest(*arguments)
        assert result.outcomes() == {"passed": 8}, result.output
        assert "template reused, built 2" in result.output
        workers, databases, servers = seen(seeded.root)
        assert workers == {"main"}
        assert len(databases) == len(servers) == 1
    assert (seeded.root / "builds.txt").read_text() == "built "


def test_a_server_that_is_not_there(seeded: Project) -> None:
    """The run ends before it has workers, with the message that a run without them gives."""
    result = seeded.pytest("-n", "2", "-o", "hermetic_postgresql=/nowhere/bin")
    said(result, "ERROR: hermetic_postgresql = /nowhere/bin", "hint: name the directory", status=4)
