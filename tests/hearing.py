"""What the tests of events share: a listener that keeps what it is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from hermetic.events import Event, Kind, listen, unlisten

E = TypeVar("E", bound=Event)


class Heard(list[Event]):
    """The events that were told, in order."""

    def of(self, kind: type[E]) -> list[E]:
        """Return those of one kind."""
        return [event for event in self if isinstance(event, kind)]


@contextmanager
def hearing(*kinds: Kind) -> Iterator[Heard]:
    """Keep the events of these kinds that are told inside the block."""
    heard = Heard()
    listen(heard.append, *kinds)
    try:
        yield heard
    finally:
        unlisten(heard.append)
