"""What a run has seen that its summary tells: overrides that were left, and in mode ``observe`` engines and leaks.

Kept from the moment of first use on: an engine that a test made is gone long before the report. What a thousand tests
do alike is kept once, with how often. A worker of xdist hands over what it saw as plain data.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from typing import Any

from hermetic.guards.background import Left
from hermetic.guards.mapping import Guard, MappingGuard
from hermetic.owners import Owner

Plain = Mapping[str, Any]


@dataclass(frozen=True)
class ObservedEngine:
    """An engine that was used.

    Attributes:
        url: Its URL, password masked.
        made_at: The user's line that made it, ``file:line``; empty for one older than the run.
        destination: Where its connections would go.
        is_contained: Whether that is a database of hermetic's.
        given: The variable that would give another URL in mode ``on``, as ``NAME=value``; empty where none does.
    """

    url: str
    made_at: str
    destination: str
    is_contained: bool = True
    given: str = ""


@dataclass
class Tally:
    """How often something was seen, and by whom first."""

    count: int = 0
    first: str = ""

    def add(self, who: str, times: int = 1) -> None:
        """Count it once more."""
        self.count += times
        self.first = self.first or who


@dataclass
class Observations:
    """What was seen in a run, each once, in order.

    Attributes:
        leaks: By what is said of them, without whose they are.
        overrides: By the dependency that was left overridden.
        earlier: Files that a driver opened before an engine named them, with the line that did.
        written: The application's databases that were used, and whether tests wrote to them.
    """

    engines: dict[ObservedEngine, None] = field(default_factory=dict)
    leaks: dict[str, Tally] = field(default_factory=dict)
    overrides: dict[str, Tally] = field(default_factory=dict)
    background: Counter[str] = field(default_factory=Counter)
    passed: dict[str, None] = field(default_factory=dict)
    left_alone: dict[str, str] = field(default_factory=dict)
    earlier: dict[str, str] = field(default_factory=dict)
    written: dict[str, bool] = field(default_factory=dict)

    def note_overrides(self, test: str, guards: Iterable[Guard[Any, Any]]) -> None:
        """Remember which dependencies a test has left overridden; that is no failure."""
        for guard in guards:
            is_overrides = isinstance(guard, MappingGuard) and guard.mapping is not os.environ
            for dependency in guard.changed() if is_overrides else ():
                name = getattr(dependency, "__qualname__", None) or repr(dependency)
                self.overrides.setdefault(name, Tally()).add(test)

    def note_leaks(self, messages: Iterable[str]) -> None:
        """Remember what tests left open; the first line of a message says whose it is."""
        for message in messages:
            who, _, what = message.partition("\n")
            self.leaks.setdefault(what, Tally()).add(who)

    def note_left_alone(self, made_at: str, why: str) -> None:
        """Remember a database in memory that is a test's own, by the line that made its engine."""
        self.left_alone[made_at] = why

    def note_earlier(self, file: str, place: str) -> None:
        """Remember a file that a driver opened before an engine named it."""
        self.earlier.setdefault(file, place)

    def note_engine(self, engine: ObservedEngine) -> None:
        """Remember an engine; one made at the same line for the same URL is the same."""
        self.engines.setdefault(engine)

    def note_background(self, left: Iterable[Left]) -> None:
        """Remember tasks that were still running when their test ended."""
        self.background.update(map(str, left))

    def note_passed(self, owner: Owner, fixture: Owner) -> None:
        """Remember who used a database while a wide fixture was set up, and could not be kept from it."""
        self.passed.setdefault(f"{owner.name} used a database while {fixture.name} was set up")

    def note_database(self, url: str, *, is_written: bool) -> None:
        """Remember that a database of the application's was used, and whether it was written to."""
        self.written[url] = self.written.get(url, False) or is_written

    def plain(self) -> Plain:
        """Return what was seen as lists and tuples, for another process."""
        return {
            "engines": [astuple(each) for each in self.engines],
            "leaks": [(what, each.count, each.first) for what, each in self.leaks.items()],
            "overrides": [(name, each.count, each.first) for name, each in self.overrides.items()],
            "background": list(self.background.items()),
            "passed": list(self.passed),
            "left_alone": list(self.left_alone.items()),
            "earlier": list(self.earlier.items()),
            "written": list(self.written.items()),
        }

    def merge(self, plain: Plain) -> None:
        """Add what another process saw."""
        for engine in plain["engines"]:
            self.note_engine(ObservedEngine(*engine))
        for tallies, name in ((self.leaks, "leaks"), (self.overrides, "overrides")):
            for what, count, first in plain[name]:
                tallies.setdefault(what, Tally()).add(first, count)
        self.background.update(dict(plain["background"]))
        self.passed.update(dict.fromkeys(plain["passed"]))
        self.left_alone.update(plain["left_alone"])
        for file, place in plain["earlier"]:
            self.note_earlier(file, place)
        for url, is_written in plain["written"]:
            self.note_database(url, is_written=is_written)
