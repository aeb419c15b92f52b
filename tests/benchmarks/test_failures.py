"""The benchmark of what recording costs: it compares neighbours, and its project runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.failures import RECIPE, Round, count, measure, report, rounds_of
from benchmarks.projects import write


def test_pairs() -> None:
    """Each test that was listened to is compared with its neighbour that was not; one without is left out."""
    found = rounds_of([(False, 0.010), (True, 0.0103), (True, 0.0105), (False, 0.010), (False, 0.5)])
    assert found == Round((10.0, 10.0), (10.3, 10.5))
    assert (round(found.added, 3), round(found.percent, 1)) == (0.4, 4.0)


def test_it_runs(tmp_path: Path) -> None:
    """Every other pair of tests is listened to."""
    project = write(RECIPE, tmp_path)
    found, counted = measure(project, 30, 1), count(project, 30)
    assert [len(each.on) for each in found] == [7]
    assert counted.added > 0
    assert min(counted.off) > 10_000
    assert "| one POST that commits, one SELECT | " in report(found, counted).text


@pytest.mark.parametrize("side", ["off", "on"])
def test_every_figure_is_kept(side: str) -> None:
    """In milliseconds."""
    raw = report([Round((1.0, 2.0), (1.5, 2.5))], Round((100.0,), (103.0,))).raw
    assert isinstance(raw, dict)
    assert raw[f"{side}_ms"] == [[1.0, 2.0] if side == "off" else [1.5, 2.5]]
