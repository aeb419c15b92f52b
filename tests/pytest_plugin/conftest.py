"""Example projects for the plugin's tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.caches import with_initdb
from tests.pytest_plugin.project import APP, INI, Project


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What runs on PostgreSQL share, in all workers of the suite."""
    base = tmp_path_factory.getbasetemp()
    place = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return with_initdb(place / "hermetic-cache")


@pytest.fixture
def empty_project(tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    """A project without a file."""
    root = tmp_path / "a project"
    root.mkdir()
    return Project(root, real_start=request.node.get_closest_marker("real_start") is not None)


@pytest.fixture
def project(empty_project: Project) -> Project:
    """A project with an application and the one setting it needs."""
    return empty_project.write(shop_py=APP, pytest_ini=INI)
