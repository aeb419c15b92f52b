"""``hermetic init``: set an existing project up, asking nothing.

It decides by what ``hermetic.source`` finds in the project (``setup_plan``, ``proposed``, ``environment``, ``loops``),
adds the few lines that are missing to the file that pytest reads (``editing``, ``files``) and lists what of the
existing tests it makes unnecessary (``superseded``).
Settings that exist are never changed, so a second run finds nothing to do. Nothing of the project is executed, unless
it is asked to try the application (``trial``).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic import collector
from hermetic.cli.files import unified_diff, write
from hermetic.cli.init.report import findings, outcome, talk
from hermetic.cli.init.setup_plan import Plan, make_plan
from hermetic.cli.lines import say, tell, topic
from hermetic.source.sources import relative

if TYPE_CHECKING:
    from hermetic.cli.init.trial.outcome import Failure


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
    with collector.paused():
        return _run(make_plan(Path(directory)), diff=diff, check=check, limit=limit)


def _run(plan: Plan, *, diff: bool, check: bool, limit: float | None) -> int:
    written = not (diff or check)
    tell(talk(plan))
    failure = None if limit is None else _failure(plan, limit)
    if written:
        write(plan.edits)
    if diff:
        for edit in plan.edits:
            sys.stdout.writelines(unified_diff(edit, relative(edit.path, plan.sources.boundary)))
    else:
        say(findings(plan), sys.stdout)
    tell(outcome(plan, written=written, failure=failure))
    return int((check and bool(plan.edits)) or failure is not None)


def _failure(plan: Plan, limit: float) -> Failure | None:
    """Try the application, saying so before and after; return why it could not be built, if so."""
    from hermetic.cli.init.trial import announced, attempt, subject_of, told

    if not plan.names_an_application:
        tell(topic("tried", ["nothing: only the tests can build an application"]))
        return None
    subject = subject_of(plan)
    tell(announced(subject, limit))
    tried = attempt(subject, limit)
    tell(told(tried, plan, subject))
    return tried.failure
