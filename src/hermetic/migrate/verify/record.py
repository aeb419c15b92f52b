"""What a run of a suite writes down of itself, in a line for each test, and how that is read.

The plugin that writes runs in the project's interpreter, and in each worker of pytest-xdist; each process has a file of
its own. A line is written when a test begins, and one when it has ended, so that one in which the process hung or died
is known.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

FOLDER = "HERMETIC_COUNTS"
"""The variable that names the folder for the files."""

LIMIT = "HERMETIC_COUNTS_LIMIT"
"""The variable with the seconds after which a test fails."""

LATE = "It did not end within"
"""How the error begins with which it does."""

MAIN = "main"
"""The name of the process that is none of pytest-xdist's workers."""


@dataclass
class Counts:
    """What has really run.

    Attributes:
        requests: HTTP requests and websockets that reached a Starlette or FastAPI application, each counted once.
        sent: Those that a client gave to an application of whatever kind, by the client's name.
        assertions: ``assert`` statements of the project that passed, where pytest has rewritten them.
    """

    requests: int = 0
    sent: dict[str, int] = field(default_factory=dict)
    assertions: int = 0

    def add(self, other: Counts) -> None:
        """Add what has run elsewhere."""
        self.requests += other.requests
        self.assertions += other.assertions
        for client, number in other.sent.items():
            self.sent[client] = self.sent.get(client, 0) + number


@dataclass(frozen=True)
class Unawaited:
    """A coroutine that nobody awaited.

    Attributes:
        name: The function's.
        made: The files, lines and functions of the project that made it, the innermost first.
    """

    name: str
    made: tuple[tuple[str, int, str], ...] = ()


@dataclass(frozen=True)
class Ran:
    """A test that has ended.

    Attributes:
        file: The file in which pytest found it.
        path: Its class, if it has one, and its name: ``TestB::test_c``.
        parameters: The part of its id in brackets; empty where it has none.
        backend: The name of anyio's backend that it runs on; empty where it is not anyio's.
        defined: The file and the path of its function, which another file may define.
        outcome: passed, failed, error, skipped, xfailed or xpassed.
        why: What pytest says of that, in a line.
        counts: What has run in it, fixtures of its own included.
        unawaited: The coroutines that nobody awaited.
        seconds: How long it took, fixtures included.
    """

    file: str
    path: str
    parameters: str
    backend: str
    defined: tuple[str, str]
    outcome: str
    why: str
    counts: Counts
    unawaited: tuple[Unawaited, ...]
    seconds: float


@dataclass(frozen=True)
class Shared:
    """What ran outside of tests: in a fixture of several, or while something ended.

    Attributes:
        name: The fixture, or what else it was.
        counts: What has run there.
        test: The file and the path of the test that was the first to need it; empty where that is none.
    """

    name: str
    counts: Counts
    test: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Record:
    """What a run has written down.

    Attributes:
        tests: The tests that ended.
        unfinished: The file, path and parameters of those that did not.
        shared: What ran outside of them.
        uncollected: What could not be collected, and why.
        unawaited: The coroutines that nobody awaited, of which it is not known in which test.
        modules: The files of the modules that were imported.
        has_ended: Whether the run came to its own end.
        uncounted: What was not counted, and why.
        workers: How many processes ran tests.
    """

    tests: tuple[Ran, ...] = ()
    unfinished: tuple[tuple[str, str, str], ...] = ()
    shared: tuple[Shared, ...] = ()
    uncollected: tuple[tuple[str, str], ...] = ()
    unawaited: tuple[Unawaited, ...] = ()
    modules: frozenset[str] = frozenset()
    has_ended: bool = False
    uncounted: tuple[str, ...] = ()
    workers: int = 0


class Writer:
    """Writes lines into a file of this process's.

    Args:
        folder: Where.
        name: The process's name.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._file: TextIO = open(folder / f"{name}-{os.getpid()}.jsonl", "a", encoding="utf-8")  # noqa: SIM115
        self._process = os.getpid()

    def write(self, kind: str, value: object) -> None:
        """Write a line at once; a fork of the process writes none."""
        if os.getpid() == self._process:
            self._file.write(json.dumps({"kind": kind, "value": value}) + "\n")
            self._file.flush()

    def ended(self, test: Ran) -> None:
        """Write what a test did."""
        self.write("test", asdict(test))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read(folder: Path) -> Record:
    """Read what the processes of a run have written into a folder."""
    lines = {path.name: list(_lines(path)) for path in sorted(folder.glob("*.jsonl"))}
    every = [line for found in lines.values() for line in found]
    tests = tuple(map(_ran, _values(every, "test")))
    begun = Counter((file, path, parameters) for file, path, parameters in _values(every, "begin"))
    begun -= Counter((test.file, test.path, test.parameters) for test in tests)
    return Record(
        tests=tests,
        unfinished=tuple(begun),
        shared=tuple(
            Shared(each["name"], Counts(**each["counts"]), _pair(each["test"]))
            for each in _values(every, "shared")
        ),
        uncollected=tuple(dict.fromkeys(map(_pair, _values(every, "uncollected")))),
        unawaited=tuple(map(_unawaited, _values(every, "unawaited"))),
        modules=frozenset(name for names in _values(every, "modules") for name in names),
        has_ended=any(_values(found, "end") for name, found in lines.items() if name.startswith(MAIN)),
        uncounted=tuple(dict.fromkeys(_values(every, "uncounted"))),
        workers=sum(any(line["kind"] == "begin" for line in found) for found in lines.values()),
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a file; the last one may have been cut off."""
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)


def _values(lines: Iterable[Mapping[str, Any]], kind: str) -> list[Any]:
    return [line["value"] for line in lines if line["kind"] == kind]


def _ran(value: Mapping[str, Any]) -> Ran:
    return Ran(
        **{
            **value,
            "defined": _pair(value["defined"]),
            "counts": Counts(**value["counts"]),
            "unawaited": tuple(map(_unawaited, value["unawaited"])),
        }
    )


def _unawaited(value: Mapping[str, Any]) -> Unawaited:
    return Unawaited(value["name"], tuple((file, line, name) for file, line, name in value["made"]))


def _pair(value: Iterable[Any]) -> tuple[str, str]:
    first, second = map(str, value)
    return first, second
