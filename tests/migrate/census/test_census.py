"""Every row of the census: the suite as it was passes, what comes of it is what a person would write, and does it too.

A case is one test in four runs of pytest that all cases share: as they were; as they are written down, which is what
the steps make of them for pytest-asyncio's mode ``auto``; and as the steps make them for its mode ``strict`` and for
anyio's plugin.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from hermetic.migrate.migration import Migration, migrate
from hermetic.migrate.steps import STEPS
from tests.migrate.census.corpus import Case, cases
from tests.migrate.census.projects import Run, project_of, run

CASES = cases()
SAFE = [step for step in STEPS if step.is_safe]
RUNNABLE = [case for case in CASES if case.is_runnable]


def _name(value: object) -> str:
    return value.name if isinstance(value, Case) else str(value)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the cases as they were."""
    return run(project_of(RUNNABLE, "auto", tmp_path_factory.mktemp("untouched") / "project"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of what comes of them, as it is written down."""
    after = [replace(case, before=case.after) for case in CASES]
    return run(project_of(after, "auto", tmp_path_factory.mktemp("written") / "project"))


@pytest.fixture(scope="module")
def migration(tmp_path_factory: pytest.TempPathFactory) -> Migration:
    """What the steps make of them."""
    return migrate(
        project_of(CASES, "auto", tmp_path_factory.mktemp("rewritten") / "project").root, steps=SAFE
    )


@pytest.fixture(scope="module", params=["strict", "anyio"])
def of_runner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Run]:
    """A run of what the steps make of them for another runner, and that they then make nothing more of it."""
    runner: str = request.param
    root = tmp_path_factory.mktemp(runner) / "project"
    project = project_of([case for case in CASES if runner in case.runners], runner, root)
    for change in migrate(root, steps=SAFE).changes:
        change.file.write_bytes(change.after)
    assert not migrate(root, steps=SAFE).changes
    return runner, run(project)


@pytest.mark.parametrize("case", RUNNABLE, ids=_name)
def test_what_is_written_down_does_what_the_case_did(case: Case, untouched: Run, written: Run) -> None:
    """It passes, and has sent the same requests and made the same assertions."""
    before = untouched.of(case)
    assert before
    assert {name: each.outcome for name, each in before.items()} == dict.fromkeys(before, "passed"), (
        "\n".join(untouched.failures.values())
    )
    assert written.of(case) == before, "\n".join(written.failures.values())


@pytest.mark.parametrize("case", [case for case in CASES if not case.is_runnable], ids=_name)
def test_what_comes_of_a_client_that_is_not_here_passes(case: Case, written: Run) -> None:
    """It passes, and has sent requests."""
    found = written.of(case)
    assert found
    assert all(each.outcome == "passed" and each.requests for each in found.values()), written.failures


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_the_rewrite_is_what_is_written_down(case: Case, migration: Migration) -> None:
    """Each file is what a person would have made of it, to the letter."""
    root = migration.project.symbols.sources.root
    made = {str(each.file.relative_to(root)): each.after.decode() for each in migration.changes}
    assert not migration.defects
    assert {name: made.get(name, case.before[name]) for name in case.after} == case.after


@pytest.mark.parametrize("case", [case for case in CASES if case.group == "left"], ids=_name)
def test_what_stays_has_a_reason(case: Case, migration: Migration) -> None:
    """Its code is the one that the case names."""
    folder = migration.project.symbols.sources.root / "tests" / case.name
    assert {each.code for each in migration.left if each.test.file.is_relative_to(folder)} == {case.code}


def test_other_runners_are_told_what_they_need(of_runner: tuple[str, Run], untouched: Run) -> None:
    """Marks, decorators and scopes of loops: every case passes with its requests and assertions."""
    runner, found = of_runner
    wanted = {
        name: each for case in CASES if runner in case.runners for name, each in untouched.of(case).items()
    }
    assert found.tests == wanted, "\n".join(found.failures.values())


def test_each_case_is_there_once() -> None:
    """No two have a name, and none is another by its texts."""
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({tuple(case.before.values()) for case in CASES}) == len(CASES)
