"""A project to write files into."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.source.projects import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project in a directory whose name has a space and a quote."""
    root = tmp_path / "it's a project"
    root.mkdir()
    return Project(root)
