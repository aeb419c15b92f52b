"""What a run has seen that its summary tells: overrides that were left, and in mode ``observe`` engines and leaks.

Kept from the moment of first use on: an engine that a test made is gone long before the report.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hermetic.guards.background import Left
from hermetic.guards.mapping import MappingGuard
from hermetic.owners import Owner


@dataclass(frozen=True)
class ObservedEngine:
    """An engine that was used.

    Attributes:
        url: Its URL, password masked.
        made_at: The user's line that made it, ``file:line``; empty for one older than the run.
        destination: Where its connections would go.
    """

    url: str
    made_at: str
    destination: str


@dataclass
class Observations:
    """What was seen in a run, each once, in order."""

    engines: dict[ObservedEngine, None] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)
    overrides: dict[str, None] = field(default_factory=dict)
    background: Counter[str] = field(default_factory=Counter)
    passed: dict[str, None] = field(default_factory=dict)
    left_alone: dict[str, str] = field(default_factory=dict)

    def note_overrides(self, test: str, guards: Iterable[MappingGuard[Any, Any]]) -> None:
        """Remember which dependencies a test has left overridden; they are undone without a failure."""
        for guard in guards:
            for dependency in guard.changed() if guard.mapping is not os.environ else ():
                name = getattr(dependency, "__qualname__", None) or repr(dependency)
                self.overrides.setdefault(f"{test} left {name} in dependency_overrides")

    def note_left_alone(self, made_at: str, why: str) -> None:
        """Remember a database in memory that is a test's own, by the line that made its engine."""
        self.left_alone[made_at] = why

    def note_engine(self, engine: ObservedEngine) -> None:
        """Remember an engine; one made at the same line for the same URL is the same."""
        self.engines.setdefault(engine)

    def note_background(self, left: Iterable[Left]) -> None:
        """Remember tasks that were still running when their test ended."""
        self.background.update(map(str, left))

    def note_passed(self, owner: Owner, fixture: Owner) -> None:
        """Remember who used a database while a wide fixture was set up, and could not be kept from it."""
        self.passed.setdefault(f"{owner.name} used a database while {fixture.name} was set up")
