"""In which event loop each open connection was opened, and who has it: kept for as long as it may matter."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from hermetic.code import Location
from hermetic.events import Kind
from hermetic.events.database import CheckedOut, ConnectionOpened, LoopEndedUnder
from hermetic.owners import Owner

CONNECTIONS = 500
"""Of how many connections it is kept, the latest."""


class Held(NamedTuple):
    """A connection, and who took it last.

    Attributes:
        owner: Whose it is: who took it, or the Session that did.
        location: The user's line that took it.
        made_at: The line that made the engine; None where that is not known.
        loop: The number of the loop that took it.
        opened_in: The number of the loop that opened it.
        opened_by: Who asked for it then.
        opened_at: The user's line that did.
    """

    owner: Owner
    location: Location
    made_at: Location | None
    loop: int
    opened_in: int
    opened_by: Owner
    opened_at: Location


class Connections:
    """Hears of connections.

    Args:
        taken: Returns who took a connection last, by its number, be it given back or not.
    """

    KINDS: tuple[Kind, ...] = (ConnectionOpened, LoopEndedUnder)

    def __init__(self, taken: Callable[[int], CheckedOut | None] = lambda number: None) -> None:
        self._taken = taken
        self._opened: OrderedDict[int, ConnectionOpened] = OrderedDict()
        self._ended: OrderedDict[int, Held] = OrderedDict()

    def hear(self, event: Any) -> None:
        """Keep an event."""
        if isinstance(event, LoopEndedUnder):
            self._end(event)
        else:
            self._open(event)

    def _open(self, event: ConnectionOpened) -> None:
        self._opened.pop(event.connection, None)  # another one that had its number
        self._opened[event.connection] = event
        if len(self._opened) > CONNECTIONS:
            self._opened.popitem(last=False)

    def _end(self, event: LoopEndedUnder) -> None:
        held = self._held(event.connection)
        if held is not None:
            self._ended[event.handle] = held
            if len(self._ended) > CONNECTIONS:
                self._ended.popitem(last=False)

    def of(self, connection: object) -> Held | None:
        """Return what is known of a driver connection as SQLAlchemy has it; None where that is nothing."""
        return self._held(id(connection))

    def ended(self, handle: object) -> Held | None:
        """Return what is known of a connection that its loop took along, by what the pool had handed out for it."""
        return self._ended.get(id(handle))

    def _held(self, connection: int) -> Held | None:
        opened = self._opened.get(connection)
        taken = None if opened is None else self._taken(connection)
        if opened is None or taken is None:
            return None
        return Held(
            taken.owner,
            taken.location,
            taken.made_at,
            taken.loop,
            opened.loop,
            opened.owner,
            opened.location,
        )
