"""The driver connections that redirected engines hold open, and how each is closed.

A connection is remembered without keeping its pool alive: a suite that makes an engine a test and never disposes of it
(most recipes do) must not collect a thousand engines. So an entry holds the driver's connection, but its pool record
only weakly, and the pool's own end closes what is left (``closing.py``).
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from hermetic.database.engines.destinations import Target

log = logging.getLogger("hermetic.engines")


@dataclass(eq=False)
class Opened:
    """A driver connection that is open.

    Attributes:
        connection: What SQLAlchemy calls the DBAPI connection (an adapter, for async drivers).
        dialect: Its engine's dialect, which knows how to close it.
        target: The database it is on; None where the engine opens what its URL says.
        holder: The set that keeps it until it is closed.
        stale: Whether it must be replaced at its next checkout.
    """

    connection: DBAPIConnection
    dialect: Dialect
    target: Target | None
    holder: OpenConnections
    record: weakref.ref[ConnectionPoolEntry]
    stale: bool = False

    def close(self) -> None:
        """Close it, in or out of its pool. For an async driver, call this inside ``greenlet_spawn``."""
        self.holder.discard(self)
        record = self.record()
        fairy = fairy_of(record)
        if fairy is not None and fairy.dbapi_connection is self.connection:
            fairy.invalidate()
        elif record is not None and record.dbapi_connection is self.connection:
            # Not close(): what a driver says of a server that is gone would be logged with its traceback.
            record.invalidate()
        else:
            self._close_orphan()

    def _close_orphan(self) -> None:
        try:
            self.dialect.do_close(self.connection)
        except Exception:
            log.debug("closing %r", self.connection, exc_info=True)


def fairy_of(record: ConnectionPoolEntry | None) -> PoolProxiedConnection | None:
    """Return what the user holds while a connection is checked out, or None."""
    reference = getattr(record, "fairy_ref", None)
    fairy: PoolProxiedConnection | None = reference() if reference is not None else None
    return fairy


@dataclass(eq=False)
class OpenConnections:
    """The open connections of one pool (for async engines: of one pool in one loop)."""

    index: Index
    _opened: set[Opened] = field(default_factory=set)

    def add(
        self,
        connection: DBAPIConnection,
        record: ConnectionPoolEntry,
        dialect: Dialect,
        target: Target | None,
    ) -> None:
        opened = Opened(connection, dialect, target, self, weakref.ref(record))
        self._opened.add(opened)
        self.index.add(opened)

    def discard(self, opened: Opened) -> None:
        if opened in self._opened and opened.target is not None:
            opened.target.note_closed(opened.connection)
        self._opened.discard(opened)
        self.index.discard(opened)

    def close(self) -> None:
        """Close them all. For an async driver, call this inside ``greenlet_spawn``."""
        for opened in self:
            opened.close()

    def close_orphans(self) -> None:
        """Close those whose pool is gone; called when a synchronous pool ends."""
        for opened in [each for each in self if each.record() is None]:
            opened.close()

    def in_use(self) -> list[Opened]:
        """Return those that are checked out now."""
        return [opened for opened in self if fairy_of(opened.record()) is not None]

    def __iter__(self) -> Iterator[Opened]:
        """Iterate over a copy, made without running any Python code: other threads open and close meanwhile."""
        return iter(list(self._opened))

    def __len__(self) -> int:
        return len(self._opened)


class Index:
    """Every open connection, by the identity of its driver connection.

    Attributes:
        abandoned: Identities of the connections whose loop ends while somebody still uses them.
    """

    def __init__(self) -> None:
        self._by_id: dict[int, Opened] = {}
        self.abandoned: set[int] = set()

    def add(self, opened: Opened) -> None:
        self._by_id[id(opened.connection)] = opened

    def discard(self, opened: Opened) -> None:
        self._by_id.pop(id(opened.connection), None)

    def get(self, connection: Any) -> Opened | None:
        return self._by_id.get(id(connection))

    def __iter__(self) -> Iterator[Opened]:
        return iter(list(self._by_id.values()))
