"""The benchmark of the restore: that every way it compares brings the baseline back."""

from __future__ import annotations

from pathlib import Path

from benchmarks.restore import measure, report


def test_every_way_back_is_measured_and_checked(tmp_path: Path) -> None:
    """One round gives each way its measurements; a way that did not restore would raise."""
    ways = measure(2, 1, tmp_path)
    assert [len(way.us) for way in ways] == [way.times_a_round for way in ways]
    assert all(min(way.us) > 0 for way in ways)


def test_the_table_has_a_column_for_each_number_of_tables(tmp_path: Path) -> None:
    """One row a way back, one column a schema."""
    ways = measure(1, 1, tmp_path)
    assert "| way back | 1 table |" in report({1: ways}, 1).text
