"""The words of ``hermetic doctor``."""

from __future__ import annotations

import argparse
from typing import Protocol

FORMATS = ("text", "json", "github")
CODES = """\
A line with the comment  # hermetic: ignore[CODE]  is left out. hermetic doctor --explain CODE says what a code is.
Exit codes: 0 when nothing was found, 1 when something was, 2 when the project cannot be examined."""


class Options(Protocol):
    """What was asked for.

    Attributes:
        path: The project.
        without_hermetic: Whether to leave hermetic out of account.
        select: The codes to look for; empty for all.
        ignore: The codes to leave out.
        form: How to write what was found.
        code: A code to explain.
        python: The project's interpreter.
    """

    path: str
    without_hermetic: bool
    select: list[str]
    ignore: list[str]
    form: str
    code: str | None
    python: str | None


def _codes(text: str) -> list[str]:
    return [code.strip().upper() for code in text.split(",") if code.strip()]


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    doctor = verbs.add_parser(
        "doctor",
        help="find what is broken in a project's tests",
        description="Read a project, importing nothing of it, and say what fails, or passes for the wrong reason, with"
        " the versions that it is locked to, requires, or has in its environment.",
        epilog=CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    doctor.add_argument(
        "path", metavar="PATH", nargs="?", default=".", help="the project (default: this one)"
    )
    doctor.add_argument(
        "--without-hermetic",
        action="store_true",
        help="say what is broken without hermetic: before it is set up, or if it were not",
    )
    doctor.add_argument(
        "--select", type=_codes, default=[], metavar="CODES", help="look for these, by commas"
    )
    doctor.add_argument("--ignore", type=_codes, default=[], metavar="CODES", help="leave these out")
    doctor.add_argument("--format", choices=FORMATS, default="text", dest="form", help="default: text")
    doctor.add_argument(
        "--explain", metavar="CODE", dest="code", help="say what a code is, and what to change"
    )
    doctor.add_argument("--python", metavar="PATH", help="the project's interpreter, or its environment")
