"""The template: built once for what it depends on, reused by later runs, built anew where any of that changed."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.on_postgresql.test_xdist import SEED
from tests.pytest_plugin.project import INI, Project

TEST = """
async def test_it(async_client):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 2
"""


@pytest.fixture
def seeded(project: Project) -> Project:
    """A shop with a seed that counts how often it runs, and a file that it reads."""
    lines = "hermetic_seed = seeds:first\nhermetic_fingerprint = data/*.csv\n"
    project.write(seeds_py=SEED, pytest_ini=INI + lines, test_shop_py=TEST)
    return project.write_path("data/users.csv", "Ada\n")


def builds(project: Project, *arguments: str) -> int:
    """Run the project; return how often it was built in that run."""
    log = project.root / "builds.txt"
    log.unlink(missing_ok=True)
    result = project.pytest(*arguments)
    assert result.outcomes() == {"passed": 1}, result.output
    built = log.read_text().count("built") if log.exists() else 0
    assert ("template reused, built 2" in result.output) == (built == 0), result.output
    return built


def edit(project: Project, path: str, old: str, new: str) -> None:
    """Change a file of the project."""
    file = project.root / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.timeout(300)
def test_what_it_depends_on(seeded: Project) -> None:
    """Model, seed, a named file and the flag build anew, once each; everything else does not."""
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
    assert builds(seeded) == 1
    assert builds(seeded, "--hermetic-rebuild") == 1
    assert builds(seeded) == 0


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


def test_tables_in_a_schema_of_their_own(project: Project) -> None:
    """The schema is made with them, and what is written there is undone."""
    shop = (project.root / "shop.py").read_text()
    table = '__tablename__ = "users"\n'
    assert table in shop
    project.write(
        shop_py=shop.replace(table, f'{table}    __table_args__ = {{"schema": "billing"}}\n'),
        test_a_py="""
        import pytest
        from sqlalchemy import text


        @pytest.mark.parametrize("again", [1, 2])
        async def test_it(again, async_client, async_test_db):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
            assert await async_test_db.scalar(text("SELECT count(*) FROM billing.users")) == 1
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
