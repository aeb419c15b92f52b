"""Import the application, or call its factory, where nothing can be reached, and write down what came of it.

A program of its own, started by the supervisor. It ends as Python ends, so that what the application registered for its
exit is done, and is refused what it was refused before.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hermetic import application
from hermetic.cli.init.trial.build_failures import AbsentVariables, failure_of
from hermetic.cli.init.trial.containment import Containment
from hermetic.cli.init.trial.outcome import Failure, Outcome, dumps
from hermetic.database.backend import packages_by_module
from hermetic.errors import HermeticError
from hermetic.processes import die_with_parent
from hermetic.settings import parse

BUILT_BY_TESTS = (
    "tests that build it themselves run all the same; a fixture hermetic_app gives hermetic theirs"
)


def main(home: Path) -> None:
    """Read the request that lies in a folder, and put the outcome there."""
    request = json.loads((home / "request").read_text())
    die_with_parent()
    stack = open(home / "stack", "w")  # noqa: SIM115 - for as long as the process
    faulthandler.enable(stack, all_threads=False)
    faulthandler.register(signal.SIGUSR1, stack, all_threads=False)
    us = os.getpid()
    outcome = attempt(request, home)
    if os.getpid() == us:  # pragma: no branch - else the application has forked, and both have come here
        (home / "told").write_text(dumps(outcome))
        os.replace(home / "told", home / "result")


def attempt(request: dict[str, Any], home: Path) -> Outcome:
    """Build the application, and say before in a file of ``home`` that it begins."""
    os.chdir(request["directory"])
    sys.path[:0] = request["paths"]
    os.environ.update(request["before"])
    project = request["project"]
    absent = AbsentVariables(project)
    try:
        settings = parse({**request["ini"], "hermetic": "on"})
        containment = Containment(settings, Path.cwd(), project=project, temporary=home / "tmp")
        containment.start()
    except HermeticError as error:
        return Outcome(failure=Failure(error.what, hints=error.hints))
    for name, value in request["after"].items():
        os.environ.setdefault(name, value)
    absent.listen()
    (home / "begun").touch()
    found, failure = build(
        settings.app or "",
        lambda error, stage: failure_of(
            error, stage, root=project, refusals=containment.refusals, absent=absent
        ),
    )
    return Outcome(
        type="" if failure else type(found).__name__,
        routes=0 if failure else routes(found),
        failure=failure,
        engines=containment.engines(),
        refused=containment.refusals.all(),
        read=tuple(name for name, is_own in absent.read.items() if is_own),
    )


def build(path: str, failed: Callable[[BaseException, str], Failure]) -> tuple[Any, Failure | None]:
    """Return the application, or why there is none."""
    try:
        found = application.resolve(path, key="hermetic_app", packages=packages_by_module)
    except BaseException as error:
        return None, failed(error, f"importing {path.partition(':')[0]}")
    try:
        return application.make(path, found), None
    except BaseException as error:
        failure = failed(error, f"calling {path}")
        return None, replace(failure, hints=failure.hints or (BUILT_BY_TESTS,))


def routes(found: Any) -> int:
    """Count an application's routes, through what is wrapped around it; FastAPI's own documentation is left out."""
    while not hasattr(found, "routes") and hasattr(found, "app"):
        found = found.app
    names = ("openapi_url", "docs_url", "redoc_url", "swagger_ui_oauth2_redirect_url")
    own = {getattr(found, name, None) for name in names} - {None}
    return sum(
        _count(route) for route in getattr(found, "routes", ()) if getattr(route, "path", None) not in own
    )


def _count(route: Any) -> int:
    """Count one route, or those of the router or application that it stands for."""
    inside = getattr(getattr(route, "original_router", route), "routes", None)
    return sum(map(_count, inside)) if inside else 1


if __name__ == "__main__":  # pragma: no branch - a program
    main(Path(sys.argv[1]))
