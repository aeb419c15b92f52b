"""What is said of a server that does not start, or is gone: with its own words, which are the best there are."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from hermetic.database.backends.postgresql.server.launcher import files
from hermetic.errors import ConfigurationError, ServerUnavailable

LINES = 20


def not_started(home: Path, report: dict[str, Any]) -> ConfigurationError:
    """Return the error for a report of a failed start."""
    why = [report["why"]] if report.get("why") else []
    if report.get("command"):
        why.append(f"command: {_shortened(report['command'])}")
    hints = [
        "check hermetic_postgresql: it names whose binaries are started (auto, embedded, a directory), or a URL",
        "hermetic db clean --all   (what earlier runs of the project kept is thrown away, and made anew)",
    ]
    if report.get("why"):
        hints = [
            "free some space, or set TMPDIR or HERMETIC_CACHE to places that have room",
            "in a container: docker run --shm-size=512m",
        ]
    return ServerUnavailable(
        f"the PostgreSQL server of the tests does not start: {report['error']}",
        why="\n".join([*why, *_said(home)]),
        hints=tuple(hints),
    )


def stopped_answering(home: Path) -> ConfigurationError:
    """Return the error for a server that was up and is no more."""
    return ServerUnavailable(
        "the PostgreSQL server of the tests no longer answers: it was ended by something else.",
        why="\n".join(_said(home)),
        hints=("run the tests again; if it goes on, look who kills it: out of memory? (dmesg)",),
    )


def last_words(home: Path) -> str:
    """Return the end of a server's log, as text."""
    return "\n".join(_said(home))


def _said(home: Path) -> list[str]:
    text = files.read(str(home / "log")) or ""
    lines = text.strip().splitlines()[-LINES:]
    return [f"the last lines of {home / 'log'}:", *(f"    {line}" for line in lines)] if lines else []


def _shortened(command: list[str]) -> str:
    """Return a command without the settings, which are always the same."""
    return shlex.join(command[:3]) + (" ..." if command[3:] else "")
