"""Suites that build their applications themselves, by a factory that needs what only their fixtures have."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.own_applications import KINDS, write_start_ups, write_suite
from tests.pytest_plugin.project import Project

FILE = "sqlite+aiosqlite:///./{}.db"
MEMORY = "sqlite+aiosqlite:///:memory:"


@pytest.mark.parametrize(
    ("kind", "url", "scope", "lines"),
    [
        ("arguments", FILE, "session", []),
        ("environment", FILE, "function", ["hermetic_schema = lifespan"]),
        ("environment", MEMORY, "session", ["hermetic_schema = lifespan"]),
        ("import", FILE, "session", ["hermetic_schema = lifespan"]),
        ("none", FILE, "function", []),
    ],
)
def test_they_run_as_without(
    empty_project: Project, kind: str, url: str, scope: str, lines: list[str]
) -> None:
    """Nothing of the suite's is called, and only tests that ask for hermetic's application hear that there is none."""
    write_suite(empty_project, KINDS[kind], url, scope, *lines)
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 15 if url == FILE else 13}, result.output


def test_the_tables_of_a_start_up_are_there_for_the_next(empty_project: Project) -> None:
    """Its rows are not: they may come of one test's own settings."""
    write_start_ups(empty_project, FILE.format("shop"))
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 6}, result.output
