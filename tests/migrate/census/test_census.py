"""Every row of the census: the suite as it was passes, and what comes of it does the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from hermetic.migrate.migration import Migration, migrate
from tests.migrate.census.corpus import Case, cases
from tests.migrate.census.projects import Run, project_of, run

CASES = cases()
RUN = [case for case in CASES if "auto" in case.runners]
REWRITTEN = [case for case in CASES if case.group == "recipes"]
"""What there is a step for."""


def _name(case: Case) -> str:
    return case.name


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the cases as they were."""
    return run(project_of(RUN, "auto", tmp_path_factory.mktemp("untouched") / "project"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of what comes of them, as it is written down."""
    after = [replace(case, before=case.after) for case in CASES]
    return run(project_of(after, "auto", tmp_path_factory.mktemp("written") / "project"))


@pytest.fixture(scope="module")
def rewritten(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What the steps make of their files."""
    root = tmp_path_factory.mktemp("rewritten") / "project"
    found: Migration = migrate(project_of(REWRITTEN, "auto", root).root)
    assert not found.defects
    return {str(each.file.relative_to(root.resolve())): each.after.decode() for each in found.changes}


@pytest.mark.parametrize("case", RUN, ids=_name)
def test_what_is_written_down_does_what_the_case_did(case: Case, untouched: Run, written: Run) -> None:
    """It passes, and has sent the same requests and made the same assertions."""
    before = untouched.of(case)
    assert before
    assert {name: each.outcome for name, each in before.items()} == dict.fromkeys(before, "passed")
    assert written.of(case) == before, "\n".join(written.failures.values())


@pytest.mark.parametrize("case", [case for case in CASES if case.runners == ("text",)], ids=_name)
def test_what_comes_of_a_client_that_is_not_here_passes(case: Case, written: Run) -> None:
    """It passes, and has sent requests."""
    found = written.of(case)
    assert found
    assert all(each.outcome == "passed" and each.requests for each in found.values()), written.failures


@pytest.mark.parametrize("case", REWRITTEN, ids=_name)
def test_the_rewrite_is_what_is_written_down(case: Case, rewritten: Mapping[str, str]) -> None:
    """Each file is what a person would have made of it, to the letter."""
    assert {name: rewritten.get(name, case.before[name]) for name in case.after} == case.after


def test_each_case_is_there_once() -> None:
    """No two have a name, and none is another by its texts."""
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({tuple(case.before.values()) for case in CASES}) == len(CASES)
