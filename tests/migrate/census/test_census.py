"""Every row of the census: the suite as it was passes, and what comes of it does the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.migrate.census.corpus import Case, cases
from tests.migrate.census.projects import Run, project_of, run

CASES = cases()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the cases as they were."""
    return run(project_of(CASES, "auto", tmp_path_factory.mktemp("untouched") / "project"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of what comes of them, as it is written down."""
    after = [replace(case, before=case.after) for case in CASES]
    return run(project_of(after, "auto", tmp_path_factory.mktemp("written") / "project"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_written_down_does_what_the_case_did(case: Case, untouched: Run, written: Run) -> None:
    """It passes, and has sent the same requests and made the same assertions."""
    before = untouched.of(case)
    assert before
    assert {name: each.outcome for name, each in before.items()} == dict.fromkeys(before, "passed")
    assert written.of(case) == before, "\n".join(written.failures.values())


def test_each_case_is_there_once() -> None:
    """No two have a name, and none is another by its texts."""
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({tuple(case.before.values()) for case in CASES}) == len(CASES)
