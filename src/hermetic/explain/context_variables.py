"""A context variable that is asked for where nobody has set it: outside of the request, or of the task, that does."""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator
from contextvars import ContextVar

from hermetic.causes.applications import CONTEXT_VARIABLE_NOT_SET
from hermetic.code import Location, project_modules
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import objects_through, places
from hermetic.explain.history import History

SHOWN = 3
"""How many lines that set one are named."""


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the variable, and the lines of the application that set it."""
    del history
    for error in failure.chain():
        found = error.args[0] if isinstance(error, LookupError) and len(error.args) == 1 else None
        at = next(iter(places(error)), None)
        if not isinstance(found, ContextVar) or at is None:
            continue
        setting = list(_setting(found))[:SHOWN]
        if setting:
            yield Explanation(
                CONTEXT_VARIABLE_NOT_SET,
                (
                    f"{at} asks for the ContextVar {found.name}, which nobody has set there.",
                    f"{', '.join(setting)} sets it for what runs then, a request or a task, and what that starts.",
                ),
                (_change(error, at, found.name),),
            )


def _change(error: BaseException, at: Location, name: str) -> str:
    """Say what has to be set where: by what is further out, where a request is asking."""
    if next(objects_through(error, "Starlette"), None) is not None:
        return (
            f"what sets it has to run around {at.function}(): of two middlewares the one that was added last is the"
            " outer one, and a mounted application has only those of its own and of the one around it"
        )
    return f"token = {name}.set(...) in the test, and {name}.reset(token) after it"


def _setting(variable: ContextVar[object]) -> Iterator[str]:
    """Give the lines of the project's modules that set a variable, by a name that it has there."""
    for module in project_modules():
        names = [re.escape(name) for name, value in vars(module).items() if value is variable]
        wanted = re.compile(rf"\b({'|'.join(names)})\.set\(")
        for number, line in enumerate(linecache.getlines(str(module.__file__)) if names else (), 1):
            if wanted.search(line):
                yield f"{module.__file__}:{number}"
