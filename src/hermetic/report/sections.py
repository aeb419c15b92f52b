"""What is shown below the traceback of a test."""

from __future__ import annotations

from collections.abc import Sequence

from hermetic.errors import HermeticError
from hermetic.report.facts import TestFacts

Section = tuple[str, str]


def failure_sections(facts: TestFacts, causes: Sequence[HermeticError], *, failed: bool) -> list[Section]:
    """Return the sections of the report of a part of a test: set-up, call or teardown.

    Args:
        facts: What was told of that part.
        causes: Why it failed, where that is known.
        failed: Whether it failed.
    """
    known = [*facts.lock_waits, *map(str, causes)]
    sections = [("hermetic", "\n\n".join(known))] if failed and known else []
    # The word teardown has pytest show it below a failure of the call, too.
    return [*sections, *(("hermetic, at teardown", message) for message in facts.kept)]
