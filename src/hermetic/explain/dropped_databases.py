"""A database that is dropped, or copied, while somebody is connected to it: by which engines that may be."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hermetic.causes.data import DATABASE_IN_USE
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import place_of
from hermetic.explain.history import History

_IN_USE = re.compile(r'(?:source )?database "([^"]+)" is being accessed by other users')
_NAME = re.compile(r"/([^/?]+)(?:\?|$)")


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the line, the database, and the engines for it."""
    for error in failure.chain():
        found = _IN_USE.search(str(error))
        if found is not None:
            name = found[1]
            engines = [
                f"the engine made at {each.location}"
                for each in history.databases.engines()
                if each.location is not None and (of := _NAME.search(each.url)) is not None and of[1] == name
            ]
            whose = f" Its pool keeps connections: {', '.join(dict.fromkeys(engines))}." if engines else ""
            yield Explanation(
                DATABASE_IN_USE,
                (
                    f"{place_of(error, failure.owner.name)} needs the database {name} for itself, and others are still"
                    f" connected to it.{whose}",
                ),
                (
                    "await engine.dispose() of each engine for it before that line",
                    f'DROP DATABASE "{name}" WITH (FORCE), where it is to be dropped whoever uses it',
                    "or nothing of the kind: hermetic makes the application's database for the tests, and drops it",
                ),
            )
            return
