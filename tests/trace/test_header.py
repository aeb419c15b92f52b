"""What the summary says of overrides that were left."""

from __future__ import annotations

from hermetic.trace.header import override_lines


def test_nothing_left_says_nothing() -> None:
    """A tidy suite's summary has no line for it."""
    assert override_lines([]) == []


def test_the_first_few_are_named() -> None:
    """The rest are counted."""
    lines = override_lines([f"t{number} left get_db" for number in range(7)])
    assert lines[0].startswith("overrides: 7 ")
    assert lines[5:] == ["  t4 left get_db", "  ... and 2 more"]
