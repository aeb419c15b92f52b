"""Suites that build their applications themselves, on PostgreSQL."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.own_applications import (
    KINDS,
    write_failing,
    write_overridden,
    write_several,
    write_start_ups,
    write_suite,
)
from tests.pytest_plugin.project import Project

URL = "postgresql+asyncpg://shop:secret@db.example/{}"


@pytest.mark.parametrize(
    ("kind", "scope", "lines", "arguments"),
    [
        ("arguments", "session", [], ["-n", "2", "-p", "xdist"]),
        ("environment", "function", ["hermetic_schema = lifespan"], []),
    ],
)
def test_they_run_as_without(
    empty_project: Project, kind: str, scope: str, lines: list[str], arguments: list[str]
) -> None:
    """A database an address, whose tables their start-ups make, and their fixtures; nothing of theirs is called."""
    write_suite(empty_project, KINDS[kind], URL, scope, *lines)
    result = empty_project.pytest(*arguments)
    assert result.outcomes() == {"passed": 15}, result.output


def test_the_tables_of_a_start_up_are_there_for_the_next(empty_project: Project) -> None:
    """Its rows are not: they may come of one test's own settings."""
    write_start_ups(empty_project, URL.format("shop"))
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 6}, result.output


def test_a_line_for_each_of_several_databases(empty_project: Project) -> None:
    """A database has the tables, and the rows, of the lines that name it: two have a table of one name."""
    write_several(empty_project, URL)
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output


def test_a_start_up_that_fails(empty_project: Project) -> None:
    """Nothing of it is left, and only the test that misses a table hears of it."""
    write_failing(empty_project, URL.format("shop"))
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 2, "failed": 1}, result.output
    assert "\nhermetic_schema = lifespan raised ConnectionError: no cache [HM104]\n" in result.output
    assert "ConnectionError: no cache; databases of the application started empty" in result.output


@pytest.mark.parametrize("scope", ["function"])
def test_an_application_that_a_fixture_makes_for_each_test(empty_project: Project, scope: str) -> None:
    """It is the application, whichever fixture of ours is first to ask, and no other one is made beside it."""
    write_overridden(empty_project, URL.format("shop"), scope)
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 7}, result.output
