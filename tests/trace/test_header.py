"""What the summary says of overrides that were left, and of a setting that the application does not follow."""

from __future__ import annotations

import pytest

from hermetic.database.address import Address
from hermetic.trace.header import other_backend_lines, override_lines

FILE = Address("sqlite", "/srv/app.db")
SERVED = Address("postgresql", "app", "localhost", 5432)


def test_nothing_left_says_nothing() -> None:
    """A tidy suite's summary has no line for it."""
    assert override_lines([]) == []


def test_the_first_few_are_named() -> None:
    """The rest are counted."""
    lines = override_lines([f"t{number} left get_db" for number in range(7)])
    assert lines[0].startswith("overrides: 7 ")
    assert lines[5:] == ["  t4 left get_db", "  ... and 2 more"]


@pytest.mark.parametrize(
    ("named", "opened"),
    [(None, [FILE]), ("postgresql", []), ("postgresql", [SERVED]), ("postgresql", [FILE, SERVED])],
)
def test_a_setting_that_is_followed_says_nothing(named: str | None, opened: list[Address]) -> None:
    """A further database of another kind, a cache say, is the application's own business."""
    assert other_backend_lines(named, opened) == []


def test_a_setting_that_no_engine_follows() -> None:
    """Both kinds are named, and what to do."""
    first, hint = other_backend_lines("sqlite", [SERVED])
    assert first.startswith(
        "hermetic_database = sqlite, but the application's engines are for postgresql (app)"
    )
    assert "hermetic_env" in hint
