"""What a run loads that has hermetic installed and did not configure it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.pytest_plugin.project import APP, INI, Project

OURS = {
    "hermetic",
    "hermetic.application",
    "hermetic.errors",
    "hermetic.owners",
    "hermetic.pytest_plugin",
    "hermetic.pytest_plugin.tracebacks",
    "hermetic.pytest_plugin.fixtures",
    "hermetic.pytest_plugin.options",
    "hermetic.pytest_plugin.state",
    "hermetic.settings",
    "hermetic.steps",
}
"""All of ours that an inert plugin needs; no events, no report, no source."""

SHARE = 0.4
"""What their own code may take to import, of what pytest's own modules take in the same process: a sixth, measured."""

HEAVY = {"aiosqlite", "alembic", "asyncpg", "fastapi", "httpx", "httpx2", "sqlalchemy", "starlette"}

UNNEEDED = {
    "configparser",
    "hermetic.database.backends.postgresql.drivers.asyncpg",
    "hermetic.explain.failure",
    "hermetic.pytest_plugin.explaining",
}
"""What only a run with a failure loads, or one whose application uses that driver."""

CONFTEST = """
import sys
from pathlib import Path


def pytest_unconfigure():
    Path("loaded.txt").write_text(" ".join(sys.modules))
"""

UNCONFIGURED = "[pytest]\n"


def loaded_by_a_run(root: Path, ini: str) -> set[str]:
    """Run one empty test with no other plugin, and return the modules that were loaded at the end."""
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
    assert {name for name in loaded if name.partition(".")[0] == "hermetic"} == OURS
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()


def test_a_configured_run_loads_what_it_needs(tmp_path: Path) -> None:
    """The check above sees what is loaded: a configured run loads SQLAlchemy."""
    loaded = loaded_by_a_run(tmp_path, INI)
    assert "sqlalchemy" in loaded
    assert loaded & UNNEEDED == set()


def share_of_import() -> float:
    """Import the plugin in a process of its own; return what our own code took, by what pytest's took."""
    command = [sys.executable, "-X", "importtime", "-c", "import pytest, hermetic.pytest_plugin"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()
    rows = [[part.strip() for part in line.partition(":")[2].split("|")] for line in lines[1:]]
    times = [(row[2].partition(".")[0], int(row[0])) for row in rows if len(row) == 3]
    ours, theirs = (
        sum(time for package, time in times if package in packages)
        for packages in ({"hermetic"}, {"pytest", "_pytest"})
    )
    assert sum(package == "hermetic" for package, _ in times) == len(OURS)
    return ours / theirs


def test_what_the_plugin_s_import_takes() -> None:
    """Each pytest run of an environment pays for it; the best of three, since other tests run meanwhile."""
    assert min(share_of_import() for _ in range(3)) < SHARE
