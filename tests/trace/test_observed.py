"""The report of ``observe``, from what was seen to its lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermetic.guards.observations import Observations, ObservedEngine
from hermetic.trace.observed import observed_lines

ROOT = Path("/project")
ALONE = ObservedEngine("sqlite://", "", "left alone: it is the test's own", is_contained=False)
CONTAINED = ObservedEngine("sqlite:///a.db", "/project/app/db.py:3", "an empty database 'x'")


def lines_of(seen: Observations, *variables: str) -> list[str]:
    """Return the report."""
    return observed_lines(seen, variables, ROOT)


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
    seen = Observations(engines=dict.fromkeys(engines))
    assert first in lines_of(seen)[0]
    assert ("engines: none was used" in lines_of(seen)) is not bool(engines)
    assert "leaks: none" in lines_of(seen)


def test_a_line_an_engine() -> None:
    """The URL, where it would go, the line that made it, relative to the project, and who gives it; each once."""
    seen = Observations()
    for _ in range(2):
        seen.note_engine(CONTAINED)
    seen.note_engine(ALONE)
    seen.note_engine(ObservedEngine("mysql://h/d", "/project/a.py:9", "x", given="DB=sqlite://"))
    lines = lines_of(seen, "DB", "TESTING (unset now)")
    assert "engines: 3 used, and where their connections would go" in lines
    assert "  sqlite:///a.db -> an empty database 'x'  (made at app/db.py:3)" in lines
    assert "  sqlite:// -> left alone: it is the test's own" in lines
    assert "  mysql://h/d -> x  (made at a.py:9, with DB=sqlite:// of hermetic_env)" in lines
    assert "environment: DB, TESTING (unset now) would be set before the application is imported" in lines


def test_engines_of_one_line_are_summed() -> None:
    """A fixture may make one for each of a thousand tests; those of other lines stay in sight."""
    seen = Observations()
    for number in range(1000):
        seen.note_engine(ObservedEngine(f"sqlite:///{number}.db", "/project/t.py:1", "x"))
        seen.note_engine(ObservedEngine(f"sqlite:///{number}.db", "", "x"))
    seen.note_engine(CONTAINED)
    lines = lines_of(seen)
    assert "  ... and 995 more made at t.py:1" in lines
    assert "  ... and 995 more" in lines
    assert "  sqlite:///a.db -> an empty database 'x'  (made at app/db.py:3)" in lines
    assert len(lines) < 25


def test_a_leak_is_a_paragraph() -> None:
    """Its first line stands out, the rest is indented below; those of one place are one."""
    seen = Observations()
    seen.note_leaks(
        f"test_{number} left a connection. [HM400]\nat a.py:3\n\nhint: close it" for number in range(1885)
    )
    lines = lines_of(seen)
    start = lines.index("leaks: 1885, each of which would fail its test at the teardown (hermetic_leaks)")
    assert lines[start + 1 : start + 5] == [
        "  test_0 left a connection. [HM400] (and 1884 more like it)",
        "      at a.py:3",
        "      hint: close it",
        "",
    ]


def test_leaks_of_many_places_are_counted() -> None:
    """Some of them are named."""
    seen = Observations()
    seen.note_leaks(f"t left one\nat a.py:{number}" for number in range(30))
    assert "  ... and 5 more" in lines_of(seen)


def test_what_workers_saw_is_one_report() -> None:
    """Engines once, what was counted summed, a database that any of them wrote to written."""
    first, second, all_of_them = Observations(), Observations(), Observations()
    for each, name in ((first, "gw0"), (second, "gw1")):
        each.note_engine(CONTAINED)
        each.note_leaks([f"{name} left one\nat a.py:3"])
        each.note_left_alone("a.py:1", "why")
        each.note_earlier("a.db", f"{name}.py:1")
        each.note_database("sqlite:///a.db", is_written=each is second)
        each.background["task"] += 1
        each.passed["somebody"] = None
    for each in (first, second):
        all_of_them.merge(each.plain())
    assert list(all_of_them.engines) == [CONTAINED]
    assert [(each.count, each.first) for each in all_of_them.leaks.values()] == [(2, "gw0 left one")]
    assert all_of_them.written == {"sqlite:///a.db": True}
    assert all_of_them.background == {"task": 2}
    assert (list(all_of_them.passed), all_of_them.left_alone) == (["somebody"], {"a.py:1": "why"})
    assert all_of_them.earlier == {"a.db": "gw0.py:1"}
