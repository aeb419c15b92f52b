"""Example projects for the plugin's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pytest_plugin.project import APP, INI, Project


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
