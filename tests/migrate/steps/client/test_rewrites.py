"""What comes of small suites: text in, text out; the cases of the census, and more of the same kinds.

Each case is a folder of one project, so that nothing of one may count for another.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.migrate.census.corpus import Case, cases
from tests.migrate.census.projects import project_of, run
from tests.migrate.steps.client.converting import Converted, again, convert
from tests.source.projects import Project

CENSUS = [case for case in cases() if case.group != "recipes"]
OWN = cases(Path(__file__).parent / "cases")
CASES = [*CENSUS, *OWN]
LEFT = [case for case in CENSUS if case.code]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    """The cases converted, all at once."""
    project = Project(tmp_path_factory.mktemp("cases"))
    service = Path(__file__).parents[2] / "census" / "service" / "main.py"
    files = {"service/main.py": service.read_text("utf-8")}
    files |= {name: text for case in CASES for name, text in case.before.items()}
    return convert(project, files)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_is_rewritten(case: Case, found: Converted) -> None:
    """What comes of it is what is written down, to the letter."""
    assert {name: found.texts[name] for name in case.after} == case.after


@pytest.mark.parametrize("case", LEFT, ids=lambda case: case.name)
def test_a_case_that_stays_has_a_reason(case: Case, found: Converted) -> None:
    """Its tests are left, each with a code, a place in a file and a text."""
    left = [each for each in found.outcome.left if f"tests/{case.name}/" in each.test.file.as_posix()]
    assert {each.code for each in left} == {case.code}
    assert all(each.text and each.line for each in left)


def test_what_was_converted_is_not_converted_again(found: Converted) -> None:
    """A second run changes nothing."""
    assert not again(found).edits


def test_what_was_converted_does_what_it_did(tmp_path: Path) -> None:
    """It sends the same requests, and as many of its assertions hold; the census's own are run with the census."""
    before = run(project_of(OWN, "auto", tmp_path / "before"))
    after = run(project_of([replace(case, before=case.after) for case in OWN], "auto", tmp_path / "after"))
    assert not {*before.failures.values(), *after.failures.values()}
    assert after.tests == before.tests
