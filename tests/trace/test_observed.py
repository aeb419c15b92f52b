"""The report of ``observe``, from what was seen to its lines."""

from __future__ import annotations

from pathlib import Path

from hermetic.guards.observations import Observations, ObservedEngine
from hermetic.trace.observed import observed_lines

ROOT = Path("/project")


def test_nothing_was_seen() -> None:
    """A suite without a database is told so."""
    lines = observed_lines(Observations(), ROOT)
    assert "engines: none was used" in lines
    assert "leaks: none" in lines


def test_a_line_an_engine() -> None:
    """The URL, where it would go, and the line that made it, relative to the project; each once."""
    seen = Observations()
    for _ in range(2):
        seen.note_engine(ObservedEngine("sqlite:///a.db", "/project/app/db.py:3", "an empty database 'x'"))
    seen.note_engine(ObservedEngine("sqlite://", "", "left alone: it is the test's own"))
    lines = observed_lines(seen, ROOT)
    assert "engines: 2 used, and where their connections would go" in lines
    assert "  sqlite:///a.db -> an empty database 'x'  (made at app/db.py:3)" in lines
    assert "  sqlite:// -> left alone: it is the test's own" in lines


def test_a_leak_is_a_paragraph() -> None:
    """Its first line stands out, the rest is indented below."""
    seen = Observations(leaks=["test_a left a connection. [HM400]\nat a.py:3\n\nhint: close it"])
    lines = observed_lines(seen, ROOT)
    start = lines.index("leaks: 1, each of which would fail its test at the teardown (hermetic_leaks)")
    assert lines[start + 1 : start + 4] == [
        "  test_a left a connection. [HM400]",
        "      at a.py:3",
        "      hint: close it",
    ]
