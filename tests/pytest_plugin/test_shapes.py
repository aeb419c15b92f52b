"""Applications without SQLAlchemy, whose own libraries connect: nothing but ``hermetic_app`` and a schema is said."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.shapes import ON_POSTGRESQL, ON_SQLITE, Shape


@pytest.mark.parametrize("scope", ["function", "session"])
@pytest.mark.parametrize("shape", ON_POSTGRESQL.values(), ids=ON_POSTGRESQL)
def test_on_postgresql(empty_project: Project, shape: Shape, scope: str) -> None:
    """Each test starts at the baseline, and no packet goes to the database that the application names."""
    empty_project.write(**shape.files(scope))
    result = empty_project.pytest("-o", "hermetic_database=postgresql")
    assert result.outcomes() == {"passed": 4}, result.output


@pytest.mark.parametrize("scope", ["function", "session"])
@pytest.mark.parametrize("shape", ON_SQLITE.values(), ids=ON_SQLITE)
def test_on_sqlite(empty_project: Project, shape: Shape, scope: str) -> None:
    """Each test starts at the baseline, and the application's file is not made."""
    empty_project.write(**shape.files(scope))
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 4}, result.output
    assert not list(empty_project.root.glob("production*"))
