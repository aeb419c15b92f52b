"""In which event loop each open connection was opened, and who has it: kept for as long as it may matter."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from hermetic.code import Location
from hermetic.events import Kind
from hermetic.events.database import CheckedOut, ConnectionOpened, HandedOver, LoopEndedUnder
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
    """Hears of connections."""

    def __init__(self) -> None:
        self._opened: OrderedDict[int, ConnectionOpened] = OrderedDict()
        self._taken: dict[int, CheckedOut] = {}
        self._owners: dict[int, Owner] = {}
        self._ended: OrderedDict[int, Held] = OrderedDict()

    @property
    def listening(self) -> tuple[tuple[Callable[[Any], None], tuple[Kind, ...]], ...]:
        """What hears of which events: one method a kind, as each test takes and hands over some."""
        return (
            (self._open, (ConnectionOpened,)),
            (self._take, (CheckedOut,)),
            (self._hand_over, (HandedOver,)),
            (self._end, (LoopEndedUnder,)),
        )

    def _open(self, event: ConnectionOpened) -> None:
        self._opened.pop(event.connection, None)  # another one that had its number
        self._opened[event.connection] = event
        self._forget(event.connection)
        if len(self._opened) > CONNECTIONS:
            oldest, _ = self._opened.popitem(last=False)
            self._forget(oldest)

    def _take(self, event: CheckedOut) -> None:
        if (connection := event.connection) in self._opened:
            self._taken[connection] = event
            self._owners[connection] = event.owner

    def _hand_over(self, event: HandedOver) -> None:
        if event.connection in self._taken:
            self._owners[event.connection] = event.owner

    def _forget(self, connection: int) -> None:
        if self._taken.pop(connection, None) is not None:
            del self._owners[connection]

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
        opened, taken = self._opened.get(connection), self._taken.get(connection)
        if opened is None or taken is None:
            return None
        return Held(
            self._owners[connection],
            taken.location,
            taken.made_at,
            taken.loop,
            opened.loop,
            opened.owner,
            opened.location,
        )
