"""The command ``hermetic``.

Each verb is a module that is imported when it is asked for, so ``hermetic --version`` loads next to nothing. Findings
go to stdout and talk to stderr; the exit code is 0 when all is well, 1 when a check found something, 2 for an error.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout

from hermetic import __version__
from hermetic.cli import streams
from hermetic.cli.arguments import seconds
from hermetic.cli.colour import red
from hermetic.cli.db.parser import add_parser as add_db
from hermetic.cli.doctor.parser import add_parser as add_doctor
from hermetic.cli.migrate.parser import add_parser as add_migrate
from hermetic.errors import HermeticError

__all__ = ["main"]


TRYING = """\
--try executes code of the project: it imports what hermetic_app names, and calls it if it is a factory, with the
variables of hermetic_env, after it has said so. No engine and no database driver gets a connection there, and Python's
own sockets, database files and subprocesses are refused. Libraries in C that connect by themselves are not seen (a
driver that hermetic does not know, uvloop, grpc). Files that the import writes are written; bytecode is not. Whatever
was started is killed at the limit, on Ctrl-C, and when this command is killed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The words after ``hermetic``; those of the process when left out.

    Returns:
        The exit code: 0, 1 when a check found something, 2 for an error that was printed, 130 for a Ctrl-C; 1, too,
        where nobody reads on.

    Raises:
        SystemExit: ``--help``, ``--version``, no words, or some that make no sense (argparse's own way out).
    """
    streams.make_writable()
    words = sys.argv[1:] if arguments is None else arguments
    try:
        if not words:
            _parser().print_help(sys.stderr)
            raise SystemExit(2)
        status = _run(_parsed(words))
        sys.stdout.flush()
        return status
    except HermeticError as error:
        print(f"{red('error', sys.stderr)}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read stdout, such as head, wants no more of it
        return 1
    except OSError as error:  # a full disk, a folder that went meanwhile
        print(f"{red('error', sys.stderr)}: {error}", file=sys.stderr)
        return 2
    finally:
        streams.flush()


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    """Read the words; write what ``--help`` and ``--version`` say, as argparse does not look whether that arrives."""
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            return _parser().parse_args(words)
    except SystemExit:
        print(said.getvalue(), end="", flush=True)
        raise


def _run(options: argparse.Namespace) -> int:
    if options.verb == "explain":
        from hermetic.cli.explain import run as explain

        return explain(options.code)
    if options.verb == "doctor":
        from hermetic.cli.doctor.command import run as doctor

        return doctor(options)
    if options.verb == "migrate":
        from hermetic.cli.migrate.command import run as migrate

        return migrate(options)
    if options.verb == "db":
        from hermetic.cli.db import run as db

        return db(options)
    from hermetic.cli.init import run as init

    limit = options.limit if options.trial else None
    return init(options.directory, diff=options.diff, check=options.check, limit=limit)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hermetic", description="Test FastAPI applications on async databases."
    )
    parser.add_argument("--version", action="version", version=f"hermetic {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    init = verbs.add_parser(
        "init",
        help="set an existing project up",
        description="Find the application, its tables and its test runner, and add what pytest's configuration lacks. "
        "No code of the project is imported (unless --try is given), settings that exist are never changed, "
        "and nothing is asked.",
        epilog=TRYING,
    )
    init.add_argument(
        "directory", metavar="DIR", nargs="?", default=".", help="the project (default: this one)"
    )
    init.add_argument(
        "--diff", action="store_true", help="print a diff of what would change, and write nothing"
    )
    init.add_argument("--check", action="store_true", help="write nothing; exit 1 if something would change")
    init.add_argument(
        "--try",
        action="store_true",
        dest="trial",
        help="build the application in a process of its own, and say what came of it; exit 1 if it cannot be built",
    )
    init.add_argument(
        "--limit",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="end what --try started after that time (default: 60)",
    )

    explain = verbs.add_parser("explain", help="explain an error code, or list them all")
    explain.add_argument("code", metavar="CODE", nargs="?", help="a code such as HM200")
    add_doctor(verbs)
    add_migrate(verbs)
    add_db(verbs)
    return parser
