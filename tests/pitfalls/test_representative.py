"""Some of the pitfalls end well, each time the suite runs; ``make pitfalls`` runs all of them."""

from __future__ import annotations

import pytest

from tests.pitfalls import corpus, endings
from tests.pitfalls.corpus import Case
from tests.pitfalls.projects import Run, project, set_up
from tests.pytest_plugin.project import Project

REPRESENTATIVE = (
    "create-all-without-await",
    "detached-after-close",
    "lifespan-never-run",
    "memory-database-of-nobody",
    "override-left-behind",
    "rows-read-by-sql-of-the-test-before",
    "url-of-an-env-file",
)
"""One of each kind that needs neither PostgreSQL nor a limit."""

HEALTHY = ("healthy/errors-that-are-expected", "healthy/what-wide-fixtures-own")

CASES = {case.name: case for case in (*corpus.own(), *corpus.healthy())}


@pytest.mark.parametrize("case", [CASES[name] for name in REPRESENTATIVE], ids=str)
def test_broken_project_ends_well(case: Case) -> None:
    """The fault cannot happen, or is named."""
    assert endings.of_broken(case, _run(case)) in endings.GOOD


@pytest.mark.parametrize("case", [CASES[name] for name in HEALTHY], ids=str)
def test_healthy_project_passes_and_nothing_is_reported(case: Case) -> None:
    """What is legitimate stays unmentioned."""
    assert endings.of_healthy(_run(case)) == endings.PASSES


def _run(case: Case) -> Run:
    with project(case.folders) as root:
        set_up(root)
        ended = Project(root).pytest("-W", "default", "--hermetic=on")
        return Run(ended.status, ended.output, hung=False)
