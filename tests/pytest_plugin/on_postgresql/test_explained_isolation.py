"""What a test needed of another one is said on PostgreSQL in the same words."""

from __future__ import annotations

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.test_explained_isolation import needs_another


def test_on_postgresql(project: Project) -> None:
    """As everywhere."""
    needs_another(project)
