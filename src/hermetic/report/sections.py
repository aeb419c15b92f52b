"""What is shown below the traceback of a test."""

from __future__ import annotations

from hermetic.errors import HermeticError
from hermetic.report.facts import TestFacts

Section = tuple[str, str]


def failure_sections(facts: TestFacts, lacking: HermeticError | None, *, failed: bool) -> list[Section]:
    """Return the sections of the report of a part of a test: set-up, call or teardown.

    Args:
        facts: What was told of that part.
        lacking: Why a table is missing, where that is what it failed by.
        failed: Whether it failed.
    """
    known = [*facts.lock_waits, *([] if lacking is None else [str(lacking)])]
    sections = [("hermetic", "\n\n".join(known))] if failed and known else []
    # The word teardown has pytest show it below a failure of the call, too.
    return [*sections, *(("hermetic, at teardown", message) for message in facts.kept)]
