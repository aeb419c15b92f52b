"""How a run's end is judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.pitfalls import endings
from tests.pitfalls.corpus import Case
from tests.pitfalls.projects import Run

CASE = Case(
    "relation",
    (Path("relation"),),
    cause="a relation is read that was not loaded",
    fix="selectinload",
    symptom="MissingGreenlet",
    code="HM732",
    says=(r"Author\.books", "selectinload"),
)

EXPLAINED = """
_________________________ test_titles _________________________

    async def test_titles():
>       author.books
E       MissingGreenlet

test_titles.py:8: MissingGreenlet
------------------ hermetic: why this failed ------------------
Author.books was never loaded. [HM732]
change: selectinload(Author.books)
more: hermetic explain HM732
=================== short test summary info ===================
FAILED test_titles.py::test_titles - MissingGreenlet
"""

OBSCURE = EXPLAINED.replace("[HM732]", "").replace("change: ", "    # change: ").replace("more: ", "# ")


@pytest.mark.parametrize(
    ("output", "status", "ending"),
    [
        (EXPLAINED, 1, endings.EXPLAINED),
        (EXPLAINED.replace("HM732", "HM701"), 1, endings.OBSCURE),
        (EXPLAINED.replace("change: selectinload", "change: refresh"), 1, endings.OBSCURE),
        (OBSCURE, 1, endings.OBSCURE),
        ("KeyError: 'name'", 1, endings.WORSE),
        ("1 passed", 0, endings.IMPOSSIBLE),
    ],
)
def test_ending_of_a_project_that_fails_without_hermetic(output: str, status: int, ending: str) -> None:
    """The words of the case's own cause count in an explanation only, and there all of them."""
    assert endings.of_broken(CASE, Run(status, output, hung=False)) == ending


def test_an_explanation_with_a_false_line_explains_nothing() -> None:
    """What it says beside that may be right."""
    case = replace(CASE, never=("never loaded",))
    assert endings.of_broken(case, Run(1, EXPLAINED, hung=False)) == endings.OBSCURE


def test_a_warning_of_somebody_else_is_no_text_of_hermetic_s() -> None:
    """Whatever folder it comes from, one with a space in its name too."""
    warning = "  /a home/site-packages/x.py:7: RuntimeWarning: coroutine 'f' was never awaited\n"
    output = EXPLAINED.replace("Author.books was never loaded", f"{warning}Author.books was never loaded")
    case = replace(CASE, never=("/site-packages/",))
    assert endings.of_broken(case, Run(1, output, hung=False)) == endings.EXPLAINED


def test_a_failing_test_that_asks_for_the_damage_proves_that_there_is_none() -> None:
    """What its author saw happen can no longer."""
    case = replace(CASE, plain="passes", undone="dev.db")
    assert endings.of_broken(case, Run(1, "assert Path('dev.db').exists()", hung=False)) == endings.IMPOSSIBLE


def test_a_fault_that_nobody_sees_stays_unseen() -> None:
    """To pass proves nothing where it passes without hermetic too."""
    assert endings.of_broken(replace(CASE, passes="unseen"), Run(0, "1 passed", hung=False)) == endings.UNSEEN


def test_a_hang() -> None:
    """One that was there before is as obscure as before; a new one is worse."""
    run = Run(-9, "tests/test_titles.py ", hung=True)
    assert endings.of_broken(CASE, run) == endings.WORSE
    assert endings.of_broken(replace(CASE, plain="hangs"), run) == endings.OBSCURE


@pytest.mark.parametrize(
    ("status", "output", "ending"),
    [(0, "1 passed", endings.PASSES), (0, EXPLAINED, endings.FALSE_ALARM), (1, "", endings.FALSE_ALARM)],
)
def test_ending_of_a_healthy_project(status: int, output: str, ending: str) -> None:
    """It passes, and nothing is reported."""
    assert endings.of_healthy(Run(status, output, hung=False)) == ending


def test_a_change_for_the_worse() -> None:
    """From a good ending to another good one is none."""
    assert endings.is_worse(endings.OBSCURE, endings.EXPLAINED)
    assert endings.is_worse(endings.WORSE, endings.OBSCURE)
    assert not endings.is_worse(endings.IMPOSSIBLE, endings.EXPLAINED)
