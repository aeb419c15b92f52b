"""The comparison of two revisions: here of this one with itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import pairs
from benchmarks.pairs import MORE, ROOT, START, SWITCHES, WHOLE, Count, counted, parts, report, silenced
from benchmarks.projects import Project, write
from benchmarks.recipes import HERMETIC_RECIPE


def test_each_side_measures_in_its_turn() -> None:
    """Restores on both databases and requests come out as pairs, and as a line each."""
    found = parts(ROOT, ROOT, 2)
    assert all(len(each) == 2 and all(before > 0 < now for before, now in each) for each in found.values())
    text = report("HEAD", found).text
    for name in ("SQLite: hermetic, dirty", "PostgreSQL: hermetic, 1 table written", "FastAPI: a request"):
        assert f"\n| {name} | " in text


def test_what_is_off_is_what_a_side_has() -> None:
    """Recording and each guard of this revision; an earlier one may not know them all."""
    assert silenced(ROOT) == [part for key in SWITCHES for part in ("-o", f"{key}=off")]
    assert {"hermetic_failures", "hermetic_leaks"} <= {*SWITCHES}


def test_start_and_more_tests_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of one test, the slope between two longer ones, and the longest one's share a test; in turns."""
    runs: list[tuple[str, int]] = []

    def cpu(tree: Path, project: Project, count: int) -> float:
        runs.append((tree.name, count))
        return 1000 + 10 * count + (330 if tree.name == "after" else 0)

    monkeypatch.setattr(pairs, "cpu", cpu)
    project = write(HERMETIC_RECIPE, tmp_path)
    found = pairs.whole_tests(Path("before"), Path("after"), project, 1, 330)
    assert {name: [(round(one, 2), round(two, 2)) for one, two in of] for name, of in found.items()} == {
        WHOLE: [(13.03, 14.03)],
        START: [(1010, 1340)],
        MORE: [(10, 10)],
    }
    assert [name for name, count in runs if count == 330] == ["after", "before", "before", "after"]


def test_bytecodes_are_counted(tmp_path: Path) -> None:
    """Those of a test, and of all else that a run does."""
    count = counted(ROOT, write(HERMETIC_RECIPE, tmp_path), 3)
    assert count.start > count.test > 10_000


def test_bytecodes_have_a_table_of_their_own() -> None:
    """A test's share of the start is told, too."""
    made = report("HEAD", {WHOLE: [(1.0, 1.0), (1.0, 1.0)]}, (Count(3300, 100), Count(6600, 102)))
    assert "| a test, the median | 100 | 102 | 1.020 |" in made.text
    assert "| a test of 330, with its share of that | 110 | 122 | 1.109 |" in made.text
    assert isinstance(made.raw, dict)
    assert made.raw["bytecodes"] == {"start": [3300, 6600], "test": [100, 102]}
