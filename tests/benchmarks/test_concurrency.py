"""The benchmark of concurrent requests: what it makes of its measurements."""

from __future__ import annotations

from benchmarks.concurrency import COUNTS, SIDES, Burst, report


def test_both_sides_are_compared() -> None:
    """100 ms beside 25 ms are four times."""
    ours, plain = SIDES
    found = {
        ours: {count: [Burst(count, count, 25.0)] for count in COUNTS},
        plain: {count: [Burst(count, count - 1, 100.0)] for count in COUNTS},
    }
    text = report(found).text
    assert "25.0 (25.0-25.0), 10 of 10 kept" in text
    assert "9 of 10 kept" in text
    assert "| times faster | 4.0 (4.0-4.0) | 4.0 (4.0-4.0) |" in text
