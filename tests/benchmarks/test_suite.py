"""The benchmark of whole suites: what it makes of its measurements."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.processes import Took
from benchmarks.projects import write
from benchmarks.recipes import GUIDE_RECIPE, HERMETIC_RECIPE, recipe
from benchmarks.suite import AtOnce, Timing, at_once, report

ALL = AtOnce(10, 10, 10, ())
SOME = AtOnce(10, 10, 4, ())


def timing(ms: float) -> Timing:
    """One round: a second to start, then ``ms`` a test."""
    return Timing(Took(1 + 30 * ms / 1000, 1), Took(1 + 330 * ms / 1000, 1.6))


def test_a_recipe_is_compared_with_the_guide_in_its_own_round() -> None:
    """50 ms beside 2.5 ms and 60 ms beside 2 ms are 20 and 30 times."""
    timings = {"guide": [timing(50), timing(60)], "hermetic": [timing(2.5), timing(2)]}
    both = {"guide": (ALL, SOME), "hermetic": (ALL, ALL)}
    text = report([HERMETIC_RECIPE, GUIDE_RECIPE], timings, both).text
    assert "| hermetic | 2.2 (2.0-2.5) | 25.0 (20.0-30.0) | 2.0 (2.0-2.0) | yes: 10 of 10 |" in text
    assert "no: beside 5 rollbacks 10 of 10 answered 201, 4 of these left a row" in text


@pytest.mark.parametrize("refused", [0, 5])
def test_a_file_with_connections_of_their_own_keeps_every_row(tmp_path: Path, refused: int) -> None:
    """Ten POSTs at once on a plain file are all answered and kept, whether others roll back or not."""
    assert at_once(write(recipe("delete"), tmp_path), refused=refused).works


def test_one_shared_connection_does_not_work(tmp_path: Path) -> None:
    """Ten POSTs at once inside savepoints of one connection end in errors, which are kept."""
    found = at_once(write(recipe("savepoint"), tmp_path))
    assert not found.works
    assert found.errors
