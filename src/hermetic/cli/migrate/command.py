"""Migrate a project, show what that would change, or explain a step."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from hermetic import collector
from hermetic.cli.colour import is_wanted
from hermetic.cli.files import Edit, unified_diff, write
from hermetic.cli.lines import say, shown
from hermetic.cli.migrate.next_steps import next_steps
from hermetic.cli.migrate.parser import Options
from hermetic.cli.migrate.report import FORMATS, Report, explanation, listed, summary
from hermetic.cli.migrate.selection import Selection, select
from hermetic.cli.migrate.shown_tests import FEW
from hermetic.errors import CommandError
from hermetic.migrate.migration import Change, Migration, limited, migrated, read
from hermetic.migrate.step import Project, Step
from hermetic.migrate.steps import STEPS
from hermetic.migrate.text import SourceText
from hermetic.source.project import is_project
from hermetic.source.requirements import installed_version
from hermetic.source.sources import in_repository, relative

if TYPE_CHECKING:
    from hermetic.cli.migrate.verifying import Verified
    from hermetic.migrate.verify.rounds import Keep, Make


def run(options: Options, steps: Sequence[Step] = STEPS) -> int:
    """Migrate a project, or explain a step or the code of a reason.

    A diff, or what the format has, goes to stdout; what is said about it goes to stderr.

    Args:
        options: The words of the command.
        steps: All steps that there are.

    Returns:
        The exit code: 1 when ``check`` is on and something would change, or the suite fares worse, 2 when a file could
        not be changed, else 0.

    Raises:
        ConfigurationError: The project cannot be read or written, or there is no such step or code.
    """
    if options.name is not None:
        return _explain(options.name, steps)
    if options.listing:
        say(listed(steps), sys.stdout)
        return 0
    chosen = select(steps, only=options.only, skip=options.skip, unsafe=options.unsafe)
    with collector.paused():
        report = _migrate(options, chosen)
    if report.migration.defects:
        return 2
    if report.verified is not None and not report.verified.verification.is_proven:
        return 1
    return int(options.check and bool(report.migration.changes))


def _explain(name: str, steps: Sequence[Step]) -> int:
    for step in steps:
        if step.name == name:
            print(explanation(step))
            return 0
    from hermetic.cli.explain import codes
    from hermetic.cli.explain import run as explain

    if name.strip().upper() in codes():
        return explain(name)
    raise CommandError(
        f"{name!r} is no step of a migration, and no code.",
        hints=(f"use one of: {', '.join(step.name for step in steps)}, or a code such as HM821",),
    )


def _migrate(options: Options, chosen: Selection) -> Report:
    directory = _directory(options.path)
    progress = _Progress(sys.stderr)
    progress.tell("reading the project")
    project = read(directory)
    if options.path is not None:
        project = limited(project, Path(options.path))

    def plan(keep: Keep) -> Migration:
        return migrated(
            replace(project, keep=keep),
            chosen.taken,
            comment=options.comment,
            starting=lambda step: progress.tell(f"{step.name}: {step.summary}"),
        )

    outcome = _verified(project, plan, options, progress) if options.verify else None
    migration = outcome.migration if outcome is not None else plan({})
    more = {}
    for step in chosen.unsafe:
        progress.tell(f"{step.name}: looking at what --unsafe would do")
        more[step.name] = len(migrated(migration.project, [step]).changes)
    progress.tell("")
    is_written = options.write and (outcome is None or outcome.verification.is_proven)
    if is_written:
        write([_edit(change) for change in migration.changes])
        migration = migration.written
    report = Report(
        migration,
        {name: files for name, files in more.items() if files},
        is_written,
        tuple(_next(migration, outcome, is_written=is_written)),
        outcome,
        None if options.verbose else FEW,
    )
    if options.form == "text" and not (options.write or options.check):
        for change in migration.changes:
            name = relative(change.file, project.symbols.sources.boundary)
            sys.stdout.writelines(unified_diff(_edit(change), name))
        sys.stdout.flush()
    else:
        say(FORMATS[options.form](report), sys.stdout)
    say(summary(report), sys.stderr)
    return report


def _verified(project: Project, plan: Make, options: Options, progress: _Progress) -> Verified:
    """Verify; what that needs is imported for it alone."""
    from hermetic.cli.migrate.verifying import verified

    return verified(project, plan, python=options.python, limit=options.limit, tell=progress.tell)


def _next(migration: Migration, outcome: Verified | None, *, is_written: bool) -> Iterator[str]:
    if outcome is not None and not outcome.has_runner:
        python = shown(outcome.interpreter.path)
        yield f"{python} -m pip install 'hermetic[asyncio]', then this again: nothing there runs asynchronous tests"
    if migration.changes and not is_written:
        yield "the same with --write changes these files"
    elif migration.changes:
        yield from next_steps(migration.project, installed_version)


def _directory(path: str | None) -> Path:
    """Return the folder whose project is read: where no repository says where that begins, the one around here."""
    place = Path(path or ".")
    folder = place.parent if place.is_file() else place
    here, inner = Path.cwd(), folder.resolve()
    if not in_repository(inner) and inner.is_relative_to(here):
        above = (each for each in (inner, *inner.parents) if each.is_relative_to(here))
        return next((each for each in above if is_project(each)), folder)
    return folder


def _edit(change: Change) -> Edit:
    before, after = SourceText(change.before), SourceText(change.after)
    return Edit(change.file, before.text, after.text, before.encoding)


class _Progress:
    """A line of a terminal that says what is going on; elsewhere nothing is said."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if is_wanted(stream) else None

    def tell(self, text: str) -> None:
        """Put a text in place of the last one."""
        if self._stream is not None:
            self._stream.write(f"\r\033[K{text}")
            self._stream.flush()
