"""What is shown below a traceback."""

from __future__ import annotations

from hermetic.errors import ConfigurationError
from hermetic.report.facts import TestFacts
from hermetic.report.sections import failure_sections

LACKING = ConfigurationError("The database started empty.")


def test_a_failure() -> None:
    """Who waited for whom, and why a table is missing; nothing where nothing is known."""
    assert failure_sections(TestFacts(), [], failed=True) == []
    facts = TestFacts(lock_waits=["your test holds"])
    assert failure_sections(facts, [LACKING], failed=True) == [("hermetic", f"your test holds\n\n{LACKING}")]


def test_what_passed() -> None:
    """Nothing is said of it but which databases were kept."""
    facts = TestFacts(lock_waits=["your test holds"], kept=["kept as x"])
    assert failure_sections(facts, [], failed=False) == [("hermetic, at teardown", "kept as x")]
