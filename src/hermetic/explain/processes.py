"""A process that the tests started, and that looks for a database where it is not: elsewhere than the tests."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from subprocess import CalledProcessError, CompletedProcess, SubprocessError
from typing import Any

from hermetic.causes.databases import ELSEWHERE_FOR_A_PROCESS, PROCESS_NOT_CONTAINED
from hermetic.events.database import EngineResolved
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import attribute, place_of, project_frames
from hermetic.explain.history import History

_OF_A_DATABASE = re.compile(
    r"no such table|does not exist|unable to open database|onnection refused|could not translate host name"
    r"|Name or service not known|authentication failed|OperationalError|readonly database"
)
_MISSING = re.compile(r'database "([^"]+)" does not exist')


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the database, and the line to which the process came back that missed it."""
    for error in failure.chain():
        name = next(
            (found[1] for text in _said_by_processes(error) if (found := _MISSING.search(text)) is not None),
            None,
        )
        if name in history.databases.of_the_tests:
            yield Explanation(
                ELSEWHERE_FOR_A_PROCESS,
                (
                    f"A process failed, as {place_of(error, failure.owner.name)} says: it looked for the database"
                    f" {name}. That was made on hermetic's server, to which a URL of it would have led the process. It"
                    " asked another server, of which it was told in another way.",
                ),
                (
                    "give it hermetic's server: make_url(hermetic_database.sync_url).set(database=...)",
                    "or do in this process what it does: there each engine and driver finds that database",
                ),
            )
            return
        yield from _not_contained(failure, history, error)


def _not_contained(failure: Failure, history: History, error: BaseException) -> Iterator[Explanation]:
    """Say so of a process of the project's Python, where what it wrote speaks of a database, or nobody has kept it."""
    engine = next((each for each in history.databases.engines() if each.outcome == "contained"), None)
    if engine is None:
        return
    for each in _failed(error):
        said = "".join(_texts(each))
        if _is_python(attribute(each, "cmd") or each.args) and (not said or _OF_A_DATABASE.search(said)):
            yield Explanation(
                PROCESS_NOT_CONTAINED,
                (
                    f"A process failed, as {place_of(error, failure.owner.name)} says. Hermetic leads the engines of"
                    " the tests' own process to its databases, and not those of others: in another one the engine for"
                    f" {engine.url}{_made(engine)} goes to where that URL says.",
                ),
                (
                    "hermetic_env = NAME={url} in the ini file, of the variable from which the application reads its"
                    " URL: processes that tests start inherit it",
                    "or call in this process what the other one runs: main([...])",
                ),
            )
            return


def _made(engine: EngineResolved) -> str:
    return "" if engine.location is None else f" ({engine.location})"


def _is_python(command: object) -> bool:
    """Whether a command runs this interpreter, or a script that is installed beside it."""
    first = command[0] if isinstance(command, list | tuple) and command else str(command).partition(" ")[0]
    program, folder = os.path.basename(str(first)), os.path.dirname(sys.executable)
    return program.startswith("python") or os.path.exists(os.path.join(folder, program))


def _said_by_processes(error: BaseException) -> Iterator[str]:
    """Give what the processes wrote that failed with an error, or are at hand where it was raised."""
    for each in _failed(error):
        yield from _texts(each)


def _failed(error: BaseException) -> Iterator[Any]:
    if isinstance(error, SubprocessError):
        done: list[object] = [error]
    else:
        done = [value for frame in project_frames(error) for value in frame.f_locals.values()]
    for each in done:
        if isinstance(each, CalledProcessError | CompletedProcess) and each.returncode:
            yield each


def _texts(done: Any) -> Iterator[str]:
    for text in (done.stderr, done.stdout):
        yield text.decode(errors="replace") if isinstance(text, bytes) else str(text or "")
