"""A process that the tests started, and that looks for a database where it is not: on another server than theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from subprocess import CalledProcessError, CompletedProcess, SubprocessError

from hermetic.causes.databases import ELSEWHERE_FOR_A_PROCESS
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import place_of, project_frames
from hermetic.explain.history import History

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


def _said_by_processes(error: BaseException) -> Iterator[str]:
    """Give what the processes wrote that failed with an error, or are at hand where it was raised."""
    if isinstance(error, SubprocessError):
        done: list[object] = [error]
    else:
        done = [value for frame in project_frames(error) for value in frame.f_locals.values()]
    for each in done:
        if isinstance(each, CalledProcessError | CompletedProcess) and each.returncode:
            for text in (each.stderr, each.stdout):
                yield text.decode(errors="replace") if isinstance(text, bytes) else str(text or "")
