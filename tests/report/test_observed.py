"""The report of ``observe``, from what was seen to its lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from hermetic.report.facts import ProcessFacts, TestFacts, Totals
from hermetic.report.observed import ObservedEngine, observed_lines
from hermetic.settings import Settings

ROOT = Path("/project")
LEVELS = Settings().guards
ALONE = ObservedEngine("sqlite://", "", "left alone: it is the test's own", is_contained=False)
CONTAINED = ObservedEngine("sqlite:///a.db", "/project/app/db.py:3", "an empty database 'x'")


def lines_of(engines: Sequence[ObservedEngine], *variables: str) -> list[str]:
    """Return the report on engines."""
    return observed_lines(
        Totals(process=ProcessFacts(engines=[list(each) for each in engines])), variables, ROOT, LEVELS
    )


def lines_on(*leaks: str) -> list[str]:
    """Return the report on leaks of one test."""
    totals = Totals()
    totals.add_test("t", TestFacts(breaches=[["leaks", leak] for leak in leaks]))
    return observed_lines(totals, (), ROOT, LEVELS)


@pytest.mark.parametrize(
    ("engines", "first"),
    [
        (
            [ALONE, CONTAINED],
            "Nothing was changed. In mode on, each test would start from the baseline, and:",
        ),
        ([ALONE], "no database would be restored either: no engine here goes to a database of hermetic's."),
        ([], "no database would be restored either: no engine was used."),
    ],
)
def test_only_what_is_contained_would_be_restored(engines: list[ObservedEngine], first: str) -> None:
    """Each test is promised a baseline where there is one."""
    assert first in lines_of(engines)[0]
    assert ("engines: none was used" in lines_of(engines)) is not bool(engines)
    assert "leaks: none" in lines_of(engines)


def test_what_drivers_open_is_not_said_to_be_nothing() -> None:
    """A suite on asyncpg alone uses no engine, and mode on restores its database all the same."""
    process = ProcessFacts(drivers=["asyncpg"])
    lines = observed_lines(Totals(process=process), (), ROOT, LEVELS)
    assert (
        lines[0] == "Nothing was changed, and no engine was used. What mode on would restore, drivers decide:"
    )
    assert lines[3].startswith(
        "drivers: what asyncpg may have opened past an engine is not looked at in this mode;"
    )


def test_a_line_an_engine() -> None:
    """The URL, where it would go, the line that made it, relative to the project, and who gives it."""
    given = ObservedEngine("mysql://h/d", "/project/a.py:9", "x", given="DB=sqlite://")
    lines = lines_of([CONTAINED, ALONE, given], "DB", "TESTING (unset now)")
    assert "engines: 3 used, and where their connections would go" in lines
    assert "  sqlite:///a.db -> an empty database 'x'  (made at app/db.py:3)" in lines
    assert "  sqlite:// -> left alone: it is the test's own" in lines
    assert "  mysql://h/d -> x  (made at a.py:9, with DB=sqlite:// of hermetic_env)" in lines
    assert "environment: DB, TESTING (unset now) would be set before the application is imported" in lines


def test_engines_of_one_line_are_summed() -> None:
    """A fixture may make one for each of a thousand tests; those of other lines stay in sight."""
    places = ["/project/t.py:1", ""]
    many = [ObservedEngine(f"sqlite:///{n}.db", place, "x") for n in range(1000) for place in places]
    lines = lines_of([*many, CONTAINED])
    assert "  ... and 995 more made at t.py:1" in lines
    assert "  ... and 995 more" in lines
    assert "  sqlite:///a.db -> an empty database 'x'  (made at app/db.py:3)" in lines
    assert len(lines) < 25


def test_a_leak_is_a_paragraph() -> None:
    """Its first line stands out, the rest is indented below; those of one place are one."""
    lines = lines_on(
        *(f"test_{number} left a connection. [HM400]\nat a.py:3\n\nhint: close it" for number in range(1885))
    )
    start = lines.index("leaks: 1885, each of which would fail its test at the teardown (hermetic_leaks)")
    assert lines[start + 1 : start + 5] == [
        "  test_0 left a connection. [HM400] (and 1884 more like it)",
        "      at a.py:3",
        "      hint: close it",
        "",
    ]


def test_leaks_of_many_places_are_counted() -> None:
    """Some of them are named."""
    assert "  ... and 5 more" in lines_on(*(f"t left one\nat a.py:{number}" for number in range(30)))
