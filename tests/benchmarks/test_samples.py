"""The arithmetic of the benchmarks."""

from __future__ import annotations

import pytest

from benchmarks.samples import ratios, sample, slope


def test_the_slope_is_what_one_more_test_takes() -> None:
    """Three seconds for 300 tests more are ten milliseconds each, whatever start-up took."""
    assert slope(30, 1.5, 330, 4.5) == pytest.approx(10.0)


def test_start_up_cancels() -> None:
    """A second more in both runs changes nothing."""
    assert slope(30, 2.5, 330, 5.5) == pytest.approx(slope(30, 1.5, 330, 4.5))


def test_a_sample_has_its_middle_and_its_ends() -> None:
    """The median of an even number of values is the mean of the middle two."""
    found = sample([4.0, 1.0, 3.0, 2.0])
    assert (found.median, found.low, found.high) == (2.5, 1.0, 4.0)


def test_a_sample_is_written_with_its_ends() -> None:
    """A table's cell shows the median first, thousands with a comma."""
    assert sample([1000.0, 2000.0, 3000.0]).text(0) == "2,000 (1,000-3,000)"


def test_ratios_compare_within_a_round() -> None:
    """Each value is compared with the base that was measured beside it."""
    assert ratios([1.0, 2.0], [10.0, 30.0]) == [10.0, 15.0]


def test_ratios_need_a_base_for_each_round() -> None:
    """A missing measurement is an error, not a shorter list."""
    with pytest.raises(ValueError):
        ratios([1.0, 2.0], [10.0])
