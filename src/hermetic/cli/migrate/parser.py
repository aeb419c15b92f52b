"""The words of ``hermetic migrate``."""

from __future__ import annotations

import argparse
from typing import Protocol

from hermetic.cli.arguments import seconds

FORMATS = ("text", "json", "github")
ENDS = """\
Without --write and --check it prints a diff, and changes nothing. A second run finds nothing to do.
Exit codes: 0 when it did, or showed, what there was to do; 1 when --check would change something; 2 when the project
cannot be read, or a file cannot be changed; 130 for a Ctrl-C, after which no file is written in part."""


class Options(Protocol):
    """What was asked for.

    Attributes:
        path: The files to change: a file, a folder, or the project; None for the one around here.
        write: Whether to write the files.
        check: Whether to say by the exit code that something would change, and nothing more.
        unsafe: Whether to take the steps whose results a person must read.
        only: The steps to take; empty for all.
        skip: The steps to leave out.
        comment: Whether to say above each test that is left why it is.
        form: How to write what was found.
        listing: Whether to list the steps.
        name: A step, or the code of a reason, to explain.
        verify: Whether to run the suite before and after.
        python: The project's interpreter, or its environment; None for one beside it or an activated one.
        limit: Seconds for a run.
        verbose: Whether the text names every test, also where many share a reason.
    """

    path: str | None
    write: bool
    check: bool
    unsafe: bool
    only: list[str]
    skip: list[str]
    comment: bool
    form: str
    listing: bool
    name: str | None
    verify: bool
    python: str | None
    limit: float
    verbose: bool


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    migrate = verbs.add_parser(
        "migrate",
        help="turn a suite on TestClient into an asynchronous one",
        description="Rewrite the tests of a project, and what they use, for hermetic's asynchronous client. Nothing of"
        " the project is imported, and what is not rewritten stays as it is, to the byte.",
        epilog=ENDS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    migrate.add_argument(
        "path",
        metavar="PATH",
        nargs="?",
        help="a file or a folder: nothing else is changed (default: all of this project)",
    )
    what = migrate.add_mutually_exclusive_group()
    what.add_argument("--write", action="store_true", help="write the files")
    what.add_argument("--check", action="store_true", help="write nothing; exit 1 if something would change")
    migrate.add_argument(
        "--unsafe", action="store_true", help="take the steps, too, whose results a person must read"
    )
    migrate.add_argument(
        "--only", type=_names, default=[], metavar="STEPS", help="take these, by commas (see --list)"
    )
    migrate.add_argument("--skip", type=_names, default=[], metavar="STEPS", help="leave these out")
    migrate.add_argument(
        "--comment", action="store_true", help="say in a comment above each test that is left why it is"
    )
    migrate.add_argument(
        "--verify",
        action="store_true",
        help="run the suite as it is, and as it would be, in a copy; leave the tests in which less runs then",
    )
    migrate.add_argument(
        "--python", metavar="PATH", help="with --verify: the project's interpreter, or its environment"
    )
    migrate.add_argument(
        "--limit",
        type=seconds,
        default=3600.0,
        metavar="SECONDS",
        help="with --verify: end a run after that time (default: 3600)",
    )
    migrate.add_argument(
        "-v", "--verbose", action="store_true", help="name every test, also where many share a reason"
    )
    migrate.add_argument("--format", choices=FORMATS, default="text", dest="form", help="default: text")
    what.add_argument("--list", action="store_true", dest="listing", help="list the steps")
    what.add_argument(
        "--explain",
        metavar="NAME",
        dest="name",
        help="say what a step does, or what the code of a reason means",
    )
