"""The example projects of the folder above, on PostgreSQL: nothing but the engine's URL differs.

All runs share one cache, so that ``initdb`` happens once; the workers of one run of the suite share it too.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pytest_plugin.postgresql import URL
from tests.pytest_plugin.project import APP, INI, Project

SQLITE = "sqlite+aiosqlite:///./production.db"
ELSEWHERE = URL
"""Where the application's engine would go without us: a host that does not exist."""

POSTGRESQL_APP = APP.replace(SQLITE, ELSEWHERE)


@pytest.fixture
def empty_project(empty_project: Project, cache: Path) -> Project:
    """A project without a file, whose runs share the cache."""
    empty_project.environment["HERMETIC_CACHE"] = str(cache)
    return empty_project


@pytest.fixture
def project(empty_project: Project) -> Project:
    """A project with an application on PostgreSQL and the one setting it needs."""
    return empty_project.write(shop_py=POSTGRESQL_APP, pytest_ini=INI)
