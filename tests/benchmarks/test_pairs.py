"""The comparison of two revisions: here of this one with itself."""

from __future__ import annotations

from benchmarks.pairs import ROOT, SWITCHES, parts, report, silenced


def test_each_side_measures_in_its_turn() -> None:
    """Restores on both databases and requests come out as pairs, and as a line each."""
    pairs = parts(ROOT, ROOT, 2)
    assert all(len(each) == 2 and all(before > 0 < now for before, now in each) for each in pairs.values())
    text = report("HEAD", pairs).text
    for name in ("SQLite: hermetic, dirty", "PostgreSQL: hermetic, 1 table written", "FastAPI: a request"):
        assert f"\n| {name} | " in text


def test_what_is_off_is_what_a_side_has() -> None:
    """Recording and each guard of this revision; an earlier one may not know them all."""
    assert silenced(ROOT) == [part for key in SWITCHES for part in ("-o", f"{key}=off")]
    assert {"hermetic_failures", "hermetic_leaks"} <= {*SWITCHES}
