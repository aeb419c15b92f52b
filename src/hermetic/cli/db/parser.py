"""What ``hermetic db`` takes; loaded by every command, so it imports nothing."""

from __future__ import annotations

import argparse

ACTIONS = {
    "list": "list templates, kept databases and the servers of runs that live now",
    "start": "serve the project's kept databases until Ctrl-C, and print how to get there",
    "stop": "end the project's servers that 'start' left running",
    "clean": "drop the project's kept databases, and say which",
}


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb and its actions."""
    db = verbs.add_parser("db", help="list, serve and drop the databases that test runs keep")
    actions = db.add_subparsers(dest="action", metavar="ACTION", required=True)
    parsers = {name: actions.add_parser(name, help=text, description=text) for name, text in ACTIONS.items()}
    for parser in parsers.values():
        parser.add_argument(
            "directory", metavar="DIR", nargs="?", default=".", help="the project (default: this)"
        )
    parsers["list"].add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    start, clean = parsers["start"], parsers["clean"]
    start.add_argument("--detach", action="store_true", help="leave it running; 'hermetic db stop' ends it")
    start.add_argument(
        "--port", type=int, help="listen on this port of 127.0.0.1, where every user of the machine gets in"
    )
    start.add_argument("--detached", action="store_true", help=argparse.SUPPRESS)
    clean.add_argument("--all", action="store_true", help="the project's templates as well")
    clean.add_argument("--dry-run", action="store_true", help="say what would be dropped, and drop nothing")
