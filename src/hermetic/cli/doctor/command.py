"""Examine a project, or explain a code of a rule."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path

from hermetic import collector
from hermetic.cli.databases import DATABASES
from hermetic.cli.doctor.parser import Options
from hermetic.doctor.examination import examine
from hermetic.doctor.report import FORMATS, explanation, summary
from hermetic.doctor.rules import BY_CODE, RULES
from hermetic.errors import CommandError


def run(options: Options) -> int:
    """Examine a project, or explain a code.

    Findings go to stdout; notes and the summary to stderr.

    Args:
        options: The words of the command.

    Returns:
        The exit code: 1 when something was found, else 0.

    Raises:
        ConfigurationError: The project cannot be examined, or there is no such code or interpreter.
    """
    if options.code is not None:
        named = _chosen([options.code.strip().upper()])
        print("\n\n".join(explanation(BY_CODE[code]) for code in sorted(named)))
        return 0
    wanted = _chosen(options.select) or set(BY_CODE)
    wanted -= _chosen(options.ignore)
    with collector.paused():
        diagnosis = examine(
            Path(options.path),
            DATABASES,
            rules=[rule for rule in RULES if rule.code in wanted],
            uses_hermetic=not options.without_hermetic,
            environment=_environment(options.python),
        )
    for line in FORMATS[options.form](diagnosis, Path.cwd()):
        print(line)
    for note in diagnosis.notes:
        print(f"note: {note}", file=sys.stderr)
    print(summary(diagnosis), file=sys.stderr)
    return int(bool(diagnosis.findings))


def _chosen(codes: Collection[str]) -> set[str]:
    """Return the rules' codes that some codes name, by their beginnings: ``HM7`` for all of them.

    Raises:
        ConfigurationError: One names none.
    """
    for code in codes:
        if not code or not any(known.startswith(code) for known in BY_CODE):
            raise CommandError(
                f"{code!r} is no code of a rule.", hints=(f"use one of: {', '.join(BY_CODE)}",)
            )
    return {known for known in BY_CODE for code in codes if known.startswith(code)}


def _environment(python: str | None) -> Path | None:
    """Return the environment of an interpreter that was named, or the environment itself.

    Raises:
        ConfigurationError: There is none.
    """
    if python is None:
        return None
    path = Path(python).absolute()
    if not path.exists():
        raise CommandError(f"There is no interpreter {python}.", hints=("--python .venv/bin/python",))
    return path if path.is_dir() else path.parent.parent
