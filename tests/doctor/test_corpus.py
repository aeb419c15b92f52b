"""The repository's broken projects, as people write them: each is found by its code, and nothing else in any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from hermetic.cli.databases import DATABASES
from hermetic.doctor.examination import examine
from tests.doctor.examined import lock
from tests.pitfalls import corpus
from tests.pitfalls.projects import project

FOUND = {
    "anyio-backend-of-a-module": "HM715",
    "async-tests-in-a-testcase": "HM781",
    "both-plugins-in-auto-mode": "HM702",
    "client-takes-no-app": "HM720",
    "create-all-on-the-sync-engine": "HM722",
    "create-all-without-await": "HM722",
    "event-loop-fixture-defined": "HM712",
    "event-loop-fixture-requested": "HM712",
    "fixture-asked-for-in-an-async-test": "HM725",
    "marks-of-two-plugins": "HM702",
    "memory-without-a-pool": "HM784",
    "override-with-parameters": "HM762",
    "state-of-the-application-lost": "HM749",
    "key-with-a-hyphen": "HM717",
    "section-of-setup-cfg": "HM717",
    "two-configuration-files": "HM717",
    "url-of-an-env-file": "HM721",
    "url-without-an-async-driver": "HM721",
    "wide-fixture-on-a-narrow-loop": "HM711",
    "given/04-event-loop-fixture-ignored": "HM712",
    "given/07-session-fixture-function-loop-scopemismatch": "HM711",
    "given/20-anyio-mark-with-asyncio-auto": "HM702",
    "given/40-create-all-on-async-engine": "HM722",
    "given/63-sync-driver-url": "HM721",
}
"""Of the others the files do not tell what is wrong, or not surely."""

CASES = [*corpus.own(), *corpus.given()]


def codes(folders: Sequence[Path]) -> set[str]:
    """Return the codes that are found in a project with today's versions."""
    with project(folders) as root:
        (root / "uv.lock").write_text(lock(), encoding="utf-8")
        return {each.rule.code for each in examine(root, DATABASES).findings}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_broken_project_is_found_by_its_cause(case: corpus.Case) -> None:
    """And by no other; in the same project without the fault there is nothing."""
    assert codes(case.folders) == ({FOUND[case.name]} if case.name in FOUND else set())
    if case.fixed:
        assert codes(case.fixed) == set()


@pytest.mark.parametrize("case", list(corpus.healthy()), ids=str)
def test_in_a_healthy_project_there_is_nothing(case: corpus.Case) -> None:
    """However much it looks like a broken one."""
    assert codes(case.folders) == set()


def test_the_table_names_cases_that_there_are() -> None:
    """The given ones may not be there."""
    assert {name for name in FOUND if "/" not in name} <= {case.name for case in CASES}
