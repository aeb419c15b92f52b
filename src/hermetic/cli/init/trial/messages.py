"""Say what will be tried, and what came of it: from data to lines, as the report of ``hermetic init`` has them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from hermetic.cli.init.setup_plan import Plan
from hermetic.cli.init.trial.outcome import Engine, Failure, Line, Outcome, Refused
from hermetic.cli.init.trial.subject import Subject
from hermetic.cli.lines import count, first, shown, topic
from hermetic.source.requirements import read_requirements

MANY = 20
"""Engines, refusals and variables of which each is named; of the others only how many."""


def announced(subject: Subject, limit: float) -> Iterator[str]:
    """Yield what is about to be run."""
    variables = [*subject.before, *subject.names, *subject.after]
    lines = [
        f"{subject.app} will now be imported, and called if it is a factory: in a process of its own,",
        f"for {limit:g} s at the most, by {shown(Path(sys.executable))} in {shown(Path(subject.directory))}",
        f"set there: {', '.join(dict.fromkeys(variables)) or 'no variables'}",
        "refused there: engines, database drivers, sockets, database files and processes",
    ]
    yield from topic("try", lines)


def told(outcome: Outcome, plan: Plan, subject: Subject) -> Iterator[str]:
    """Yield what came of it."""
    failure = outcome.failure
    lines = list(_built(outcome, subject) if failure is None else _failed(failure, outcome, plan))
    lines += first([*map(_engine, outcome.engines)], MANY)
    others = [_passed(each) for each in outcome.refused if failure is None or each != failure.refused]
    lines += first(others, MANY)
    yield from topic("tried", lines)


def _built(outcome: Outcome, subject: Subject) -> Iterator[str]:
    yield f"{subject.app} is a {outcome.type} with {count(outcome.routes, 'route')}"
    if not outcome.engines:
        yield "no engine was made meanwhile"


def _failed(failure: Failure, outcome: Outcome, plan: Plan) -> Iterator[str]:
    yield f"failed: {failure.what}"
    for index, line in enumerate(failure.lines[:MANY]):
        text = f": {line.text}" if line.text else ""
        yield f"{'at' if index == 0 else 'from'} {_place(line)}{text}"
    yield from _remedy(failure, plan)
    for hint in failure.hints:
        yield from f"hint: {hint}".splitlines()
    if not failure.cause:
        yield from first([f"read before, and not set: {name}" for name in outcome.read], MANY)
        yield from (f"printed: {line}" for line in outcome.output)


def _remedy(failure: Failure, plan: Plan) -> Iterator[str]:
    file = shown(plan.configuration.path)
    match failure.cause:
        case "variables":
            mark = '"' if plan.configuration.is_toml else ""
            yield f"to write, each with a value for tests, in hermetic_env of {file}:"
            yield from (f"    {mark}{name}=...{mark}" for name in failure.names)
        case "package":
            yield from _missing(failure.names[0], plan)
        case "refused" if failure.refused is not None:
            yield from _refused(failure.refused)


def _missing(name: str, plan: Plan) -> Iterator[str]:
    top = name.partition(".")[0]
    for path in plan.sources.modules:
        if top in (path.stem, *path.parent.relative_to(plan.sources.root).parts):
            yield f"it may be the project's own ({shown(path)}): is the folder above it in pythonpath?"
            return
    directories = (plan.sources.root, plan.configuration.path.parent)
    spelt = re.escape(top).replace("_", "[-_.]")
    named = re.search(rf"\b{spelt}\b", read_requirements(directories), re.IGNORECASE)
    yield f"install what brings it for {shown(Path(sys.executable))}" + (
        "; the project's requirements name it" if named else ""
    )


def _refused(refused: Refused) -> Iterator[str]:
    if refused.destination:
        yield f"a run leads it to {refused.destination}: whether that is all, only pytest can tell"
        yield "or move it out of the import, into the application's lifespan: that can be tried"
    elif refused.kind == "socket":
        yield "a run really opens it: move it out of the import, into the application's lifespan,"
        yield "or give it an address for tests in hermetic_env"
    else:
        yield "a run really does it: whether that is all, only pytest can tell"


def _engine(engine: Engine) -> str:
    return f"engine {engine.url} -> {engine.destination} (made at {_place(engine.line)})"


def _passed(refused: Refused) -> str:
    at = _place(refused.line) if refused.line else "by a library in a thread of its own"
    return f"refused meanwhile: {refused} ({at})"


def _place(line: Line) -> str:
    return f"{shown(Path(line.file))}:{line.number}"
