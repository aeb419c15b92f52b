"""What mode ``observe`` has seen: the engines that were used, with where ``on`` would send them, and the leaks.

Kept from the moment of first use on: an engine that a test made is gone long before the report.
"""

from __future__ import annotations

from dataclasses import dataclass, field


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

    def note_engine(self, engine: ObservedEngine) -> None:
        """Remember an engine; one made at the same line for the same URL is the same."""
        self.engines.setdefault(engine)
