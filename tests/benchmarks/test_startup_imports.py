"""What a run loads that has hermetic installed and did not configure it."""

from __future__ import annotations

from pathlib import Path

from tests.pytest_plugin.project import APP, INI, Project

HEAVY = {"aiosqlite", "alembic", "asyncpg", "fastapi", "httpx", "httpx2", "sqlalchemy", "starlette"}

CONFTEST = """
import sys
from pathlib import Path


def pytest_unconfigure():
    packages = {name.partition(".")[0] for name in sys.modules}
    Path("loaded.txt").write_text(" ".join(packages))
"""

UNCONFIGURED = "[pytest]\n"


def loaded_by_a_run(root: Path, ini: str) -> set[str]:
    """Run one empty test with no other plugin, and return the top-level packages that were loaded at the end."""
    project = Project(root, real_start=True).write(
        shop_py=APP, pytest_ini=ini, conftest_py=CONFTEST, test_nothing_py="def test_nothing(): pass"
    )
    project.plugins = ("hermetic",)
    result = project.pytest("-W", "ignore::pytest.PytestConfigWarning")
    assert result.status == 0, result.output
    return set((root / "loaded.txt").read_text(encoding="utf-8").split())


def test_an_unconfigured_run_loads_nothing_heavy(tmp_path: Path) -> None:
    """Installed but not configured, the plugin imports no framework, no client, no driver."""
    loaded = loaded_by_a_run(tmp_path, UNCONFIGURED)
    assert "hermetic" in loaded
    assert loaded & HEAVY == set()


def test_a_configured_run_loads_what_it_needs(tmp_path: Path) -> None:
    """The check above sees what is loaded: a configured run loads SQLAlchemy."""
    assert "sqlalchemy" in loaded_by_a_run(tmp_path, INI)
