"""What was written while a test ran, and where in what was told the transaction of each ended, and how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hermetic.events import Event
from hermetic.events.database import Statement, TransactionEnded
from hermetic.statements import Write, written


class Written(NamedTuple):
    """A statement that wrote.

    Attributes:
        statement: It.
        write: The table, and what was done.
        begin: Where it stands in what was told.
        end: Where its transaction ended there; behind the last event, where it did not.
        ended: That end; None where there is none.
    """

    statement: Statement
    write: Write
    begin: int
    end: int
    ended: TransactionEnded | None

    def is_pending(self, at: int) -> bool:
        """Whether it was neither committed nor rolled back yet at some event."""
        return self.begin < at < self.end


def writes(told: Sequence[Event]) -> list[Written]:
    """Return what was written, in order, without what failed."""
    ends: dict[int, tuple[int, TransactionEnded]] = {}
    found: list[Written] = []
    for at in range(len(told) - 1, -1, -1):
        event = told[at]
        if isinstance(event, TransactionEnded):
            ends[event.connection] = at, event
        elif isinstance(event, Statement) and not event.error and (write := written(event)) is not None:
            end, ended = ends.get(event.connection, (len(told), None))
            found.append(Written(event, write, at, end, ended))
    return found[::-1]
