"""What a trial found, as data that goes from the process that tried to the one that tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Kind = Literal["engine", "driver", "file", "socket", "process"]
Cause = Literal["", "package", "refused", "variables"]


@dataclass(frozen=True)
class Line:
    """A line of the project, as it was run."""

    file: str
    number: int
    text: str = ""


@dataclass(frozen=True)
class Engine:
    """An engine that was made.

    Attributes:
        url: Its URL, the password masked.
        line: Where it was made.
        destination: Where its connections would go in a run.
    """

    url: str
    line: Line
    destination: str


@dataclass(frozen=True)
class Refused:
    """What the trial did not let the application do.

    Attributes:
        kind: What it is: a connection of an engine, of a driver of databases, of a socket; a file of SQLite; a process.
        what: The URL, address, file or command.
        line: The line of the project at work; None where only libraries were, in a thread of their own.
        destination: Where a run leads it; empty where hermetic leads it nowhere.
    """

    kind: Kind
    what: str
    line: Line | None
    destination: str = ""

    def __str__(self) -> str:
        return _WORDS[self.kind].format(self.what)


_WORDS: dict[Kind, str] = {
    "engine": "a connection of an engine to {}",
    "driver": "a connection to {}",
    "socket": "a connection to {}",
    "file": "the database file {}",
    "process": "a process: {}",
}


@dataclass(frozen=True)
class Failure:
    """Why there is no application.

    Attributes:
        what: What happened, in a sentence.
        lines: The project's lines on the way there, the innermost first.
        cause: What is to be done about; empty where the sentence says all.
        names: The variables that are not set, or the module that is missing.
        hints: What to do, where the error itself says so.
        refused: What was refused, where that is why.
    """

    what: str
    lines: tuple[Line, ...] = ()
    cause: Cause = ""
    names: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    refused: Refused | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        type: The application's class; empty where there is no application.
        routes: How many routes it has, those of its own documentation left out.
        failure: Why there is none.
        engines: Those that were made, the oldest first.
        refused: What was refused, each once.
        read: Variables that the project's lines read and that were not set.
        output: The last lines that the application printed.
    """

    type: str = ""
    routes: int = 0
    failure: Failure | None = None
    engines: tuple[Engine, ...] = ()
    refused: tuple[Refused, ...] = ()
    read: tuple[str, ...] = ()
    output: tuple[str, ...] = ()


def dumps(outcome: Outcome) -> str:
    """Return an outcome as text."""
    return json.dumps(asdict(outcome))


def loads(text: str) -> Outcome:
    """Return the outcome that such a text says.

    Raises:
        ValueError: It says none.
    """
    found = json.loads(text)
    return Outcome(
        type=found["type"],
        routes=found["routes"],
        failure=_failure(found["failure"]),
        engines=tuple(Engine(**{**each, "line": Line(**each["line"])}) for each in found["engines"]),
        refused=tuple(_refused(each) for each in found["refused"]),
        read=tuple(found["read"]),
    )


def _failure(found: Mapping[str, Any] | None) -> Failure | None:
    if found is None:
        return None
    failure = Failure(**found)
    return replace(
        failure,
        lines=tuple(Line(**line) for line in found["lines"]),
        names=tuple(failure.names),
        hints=tuple(failure.hints),
        refused=_refused(found["refused"]) if found["refused"] else None,
    )


def _refused(found: Mapping[str, Any]) -> Refused:
    return Refused(**{**found, "line": Line(**found["line"]) if found["line"] else None})
