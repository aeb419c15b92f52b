"""What the summary says of overrides that were left, of databases left alone, and of a setting that nobody follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermetic.database.address import Address
from hermetic.trace.header import left_alone_lines, other_backend_lines, override_lines

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


def test_databases_in_memory_that_are_left_alone() -> None:
    """Each is named by its place below the project, with why; the last line says what could be done."""
    assert left_alone_lines({}, Path("/project")) == []
    first, hint = left_alone_lines({"/project/tests/conftest.py:8": "it is the test's own"}, Path("/project"))
    assert first.endswith("made at tests/conftest.py:8: it is the test's own")
    assert "hermetic_env = DATABASE_URL=sqlite+aiosqlite:///:memory:" in hint


def test_the_first_few_that_are_left_alone() -> None:
    """The rest are counted."""
    lines = left_alone_lines({f"/p/test_{number}.py:8": "why" for number in range(7)}, Path("/p"))
    assert lines[4].endswith("test_4.py:8: why")
    assert lines[5] == "  ... and 2 more"


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
