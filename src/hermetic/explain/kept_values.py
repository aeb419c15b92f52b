"""What the application has kept in memory of earlier tests: rows in a cache, and requests in a limiter's counters.

Said where it can be seen: a text that the failed assertion shows is of a row which an earlier test wrote and a restore
undid, this test has written none like it, and a module of the application still holds it; or a limiter counts more
requests of an address than this test has sent.
"""

from __future__ import annotations

import linecache
import re
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from hermetic.causes.applications import COUNTED_BEFORE
from hermetic.causes.data import KEPT_IN_MEMORY
from hermetic.code import Location, is_test_code, project_modules
from hermetic.events.application import RequestEnded, StartUpBegan
from hermetic.events.database import Statement
from hermetic.explain.answers import is_met as is_met_by
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import attribute, lines_of
from hermetic.explain.history import History
from hermetic.explain.holders import holder_of
from hermetic.statements import Write, written

TOO_MANY = 429

A_TIME = 100_000
"""A number that is no count of requests any more."""

SHORT = 3
"""Characters of a text that may be the same by chance."""

READING = ("GET", "HEAD", "OPTIONS")
TAKEN = (400, 409, 422)
_SAYS_SO = re.compile(r"exist|already|duplicate|taken|conflict", re.IGNORECASE)
_BEGINS_EMPTY = re.compile(
    r"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\{\}|\[\]|(?:dict|list|set|OrderedDict)\(\)|defaultdict\(\w+\))\s*(?:#.*)?$",
    re.MULTILINE,
)
_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")
_ADDRESSES = ("127.0.0.1", "testclient", "localhost")
"""From where requests of tests come."""


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name what keeps something of an earlier test that this one has met."""
    if failure.phase != "call":
        return
    if isinstance(failure.error, AssertionError):
        yield from list(_remembered(failure, history)) or _stored(failure, history)
    requests = [each for each in history.of(RequestEnded) if each.owner.is_within(failure.owner)]
    refused = next((each for each in requests if each.status == TOO_MANY), None)
    if refused is not None:
        yield from _counted(failure, refused, len(requests))


def _remembered(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name what holds a text of the assertion that is of an earlier test's row."""
    shown = dict.fromkeys(_texts_in(str(failure.error)))
    before = _values(history.undone.ever_before(failure.owner)) if shown else {}
    own = " ".join(each.parameters for each in history.of(Statement) if written(each) is not None)
    for text in (each for each in shown if each not in own):
        write = next((write for value, write in before.items() if value in text), None)
        holder = None if write is None else holder_of(failure.root, partial(_has, text), text)
        if write is not None and holder is not None:
            yield Explanation(
                KEPT_IN_MEMORY,
                (
                    f"{failure.owner.name} was given {text!r}, which {holder.name} still has: it is of a row that"
                    f" {write.test} had written to {write.table}, and that hermetic has undone since.",
                ),
                (f"a fixture with autouse=True: {holder.emptied}",),
            )
            return


def _stored(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name what a module keeps in the place of a database, and what this test has put nothing into."""
    ended = [each for each in history.of(RequestEnded) if each.owner.is_within(failure.owner)]
    is_reading_only = all(each.method in READING or each.status >= 400 for each in ended)
    if not ended or not is_reading_only or any(history.of(StartUpBegan)):
        return
    refused = [each for each in ended if each.status in TAKEN and _SAYS_SO.search(each.body)]
    shown = sorted(_texts_in(str(failure.error)), key=len, reverse=True)
    for name, value, module in _containers(failure.root):
        text = next((each for each in shown if each in repr(value)), None)
        is_met = text is not None or any(is_met_by(failure, each, ended) for each in refused)
        if is_met and not any(_is_named(name, each) for each in _own_code(failure)):
            what = f"was given {text!r}" if text is not None else f"was refused, {refused[0].status}"
            yield Explanation(
                KEPT_IN_MEMORY,
                (
                    f"{failure.owner.name} {what}: {module}.{name} still has what earlier tests have put there, and no"
                    " restore of a database empties it.",
                ),
                (f"a fixture with autouse=True: {module}.{name}.clear()",),
            )
            return


def _containers(root: str) -> Iterator[tuple[str, Any, str]]:
    """Give what application modules begin with as an empty container, and what is in by now, with their names."""
    for module in project_modules():
        file = Path(str(module.__file__))
        text = "" if is_test_code(file, Path(root)) else "".join(linecache.getlines(str(file)))
        for name in _BEGINS_EMPTY.findall(text):
            value = vars(module).get(name)
            if isinstance(value, dict | list | set) and value:
                yield name, value, module.__name__


def _own_code(failure: Failure) -> Iterator[Location]:
    yield from (
        each for each in (failure.function, *(one.location for one in failure.fixtures)) if each is not None
    )


def _is_named(name: str, function: Location) -> bool:
    return any(re.search(rf"\b{name}\b", line) for _, line in lines_of(function))


def _texts_in(message: str) -> Iterator[str]:
    for single, double in _QUOTED.findall(message):
        if len(single or double) >= SHORT:
            yield single or double


def _values(writes: list[Write]) -> dict[str, Write]:
    """Return the texts that were written, each with the first that wrote it."""
    values: dict[str, Write] = {}
    for write in writes:
        for value in _texts_in(write.parameters):
            values.setdefault(value, write)
    return values


def _has(text: str, value: Any, key: Any) -> bool:
    """Whether a value is a text, or an object with it in an attribute."""
    del key
    if isinstance(value, str | bytes):
        return value == text
    members = attribute(value, "__dict__")
    return isinstance(members, dict) and any(
        isinstance(each, str) and each == text for each in members.values()
    )


def _counted(failure: Failure, refused: RequestEnded, sent: int) -> Iterator[Explanation]:
    """Name a counter that has more of this test's address than it has sent."""

    def wanted(value: Any, key: Any) -> bool:
        return _count(value) > sent and any(each in str(key) for each in (*_ADDRESSES, refused.path))

    holder = holder_of(failure.root, wanted)
    if holder is not None:
        yield Explanation(
            COUNTED_BEFORE,
            (
                f"{refused.method} {refused.path} was answered by {TOO_MANY}: {holder.name} has counted more requests"
                f" of its address than the {sent} that this test has sent. The others are of earlier tests.",
            ),
            (f"a fixture with autouse=True: {holder.emptied}; or switch it off in tests",),
        )


def _count(value: Any) -> int:
    """Return how often something was counted: a number, or as many as there are times or entries."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value < A_TIME else 0
    is_of_times = isinstance(value, list | deque) and all(_is_a_time(each) for each in value)
    return len(value) if is_of_times else 0


def _is_a_time(value: Any) -> bool:
    return isinstance(value, int | float) or isinstance(attribute(value, "time"), int | float)
