"""Where a connection that an engine opened really is, as its driver says: the last word, after every rule.

``async_creator_fn``, ``module=``, ``connection_factory`` and a ``do_connect`` listener decide for themselves what they
open. The seams of drivers catch what they open by a driver; what comes of it is looked at once, when it is new. A
backend knows how to ask.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from weakref import WeakKeyDictionary

from sqlalchemy import URL, event
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from hermetic.database import backends

Check = Callable[[DBAPIConnection], None]
"""Refuses a connection that is not where it should be, and closes it."""


def reached(dialect: Dialect, connection: DBAPIConnection) -> URL | None:
    """Return the database that a connection is on; None where it cannot be asked."""
    backend = backends.find(dialect.name)
    with suppress(Exception):
        return None if backend is None else backend.reached(dialect, connection)
    return None


def close(dialect: Dialect, connection: DBAPIConnection) -> None:
    """Close a connection that nobody gets, whatever its driver says to that."""
    with suppress(Exception):
        dialect.do_close(connection)


class LeftPools:
    """The pools of engines that are left alone: what they open is looked at before anybody uses it."""

    def __init__(self) -> None:
        self._listeners: WeakKeyDictionary[Pool, Callable[..., None]] = WeakKeyDictionary()

    def look_at(self, pool: Pool, check: Check) -> None:
        """Check what a pool, and whatever comes after it, opens."""

        def on_connect(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
            check(connection)

        event.listen(pool, "connect", on_connect, insert=True)
        self._listeners[pool] = on_connect

    def stop(self) -> None:
        """Check nothing any more."""
        for pool, listener in list(self._listeners.items()):
            event.remove(pool, "connect", listener)
