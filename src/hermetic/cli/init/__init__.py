"""``hermetic init``: set an existing project up, asking nothing.

It decides by what ``hermetic.source`` finds in the project (``setup_plan``, ``proposed``, ``environment``, ``loops``),
adds the few lines that are missing to the file that pytest reads (``editing``, ``files``) and lists what of the
existing tests it makes unnecessary (``superseded``).
Settings that exist are never changed, so a second run finds nothing to do. Nothing of the project is executed, unless
it is asked to try the application (``trial``).
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from hermetic.cli.files import unified_diff, write
from hermetic.cli.init.report import findings, outcome, talk
from hermetic.cli.init.setup_plan import Plan, make_plan
from hermetic.cli.lines import say, topic
from hermetic.source.sources import relative


def run(directory: str, *, diff: bool, check: bool, limit: float | None = None) -> int:
    """Set a project up, or show what that would take.

    Findings (or, with ``diff``, the diff and nothing else) go to stdout; what is said about them goes to stderr.

    Args:
        directory: The project's directory.
        diff: Print a unified diff and write nothing.
        check: Write nothing, and say by the exit code whether something would change.
        limit: Try the application, for that many seconds at the most; None: execute nothing of the project.

    Returns:
        The exit code: 1 when ``check`` is on and something would change, or the application was tried and could not be
        built; else 0.

    Raises:
        ConfigurationError: The project cannot be set up; nothing was written.
    """
    gc.disable()  # syntax trees have no cycles, and to look for some in a million nodes takes a third of the time
    try:
        return _run(make_plan(Path(directory)), diff=diff, check=check, limit=limit)
    finally:
        gc.enable()


def _run(plan: Plan, *, diff: bool, check: bool, limit: float | None) -> int:
    written = not (diff or check)
    say(talk(plan), sys.stderr)
    is_built = limit is None or _is_built(plan, limit)
    if written:
        write(plan.edits)
    if diff:
        for edit in plan.edits:
            sys.stdout.writelines(unified_diff(edit, relative(edit.path, plan.sources.boundary)))
    else:
        say(findings(plan), sys.stdout)
    say(outcome(plan, written=written, is_built=is_built), sys.stderr)
    return int((check and bool(plan.edits)) or not is_built)


def _is_built(plan: Plan, limit: float) -> bool:
    """Try the application, saying so before and after; return whether it could be built."""
    from hermetic.cli.init.trial import announced, attempt, subject_of, told

    if not plan.names_an_application:
        say(topic("tried", ["nothing: only the tests can build an application"]), sys.stderr)
        return True
    subject = subject_of(plan)
    say(announced(subject, limit), sys.stderr)
    tried = attempt(subject, limit)
    say(told(tried, plan, subject), sys.stderr)
    return tried.failure is None
