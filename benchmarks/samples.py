"""What several measurements of one thing amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True)
class Sample:
    """The middle and the ends of several measurements.

    Attributes:
        median: The middle one; the mean of the middle two.
        low: The least.
        high: The greatest.
    """

    median: float
    low: float
    high: float

    def text(self, digits: int = 1) -> str:
        """Write it for a table: ``2.4 (2.1-3.0)``."""
        return f"{self.median:,.{digits}f} ({self.low:,.{digits}f}-{self.high:,.{digits}f})"


def sample(values: Sequence[float]) -> Sample:
    """Sum up measurements of one thing; there must be one at least."""
    return Sample(median(values), min(values), max(values))


def quartiles(values: Sequence[float], digits: int = 1) -> str:
    """Write the median and, in brackets, the first and third quartiles of two values at least."""
    first, middle, third = quantiles(values, n=4, method="inclusive")
    return f"{middle:,.{digits}f} ({first:,.{digits}f}-{third:,.{digits}f})"


def slope(small: int, small_seconds: float, large: int, large_seconds: float) -> float:
    """Return the milliseconds that one more test takes.

    Start-up, collection's fixed part and shutdown are the same in a small and in a large run, so that they cancel.

    Args:
        small: The number of tests of the small run.
        small_seconds: How long it took.
        large: The number of tests of the large run.
        large_seconds: How long that took.
    """
    return (large_seconds - small_seconds) / (large - small) * 1000


def ratios(values: Sequence[float], base: Sequence[float]) -> list[float]:
    """Return how often each value fits into the base of the same round: what was measured side by side."""
    return [reference / value for value, reference in zip(values, base, strict=True)]
