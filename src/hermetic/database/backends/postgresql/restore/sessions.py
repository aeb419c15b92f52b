"""The connections that the application has to one worker database: whose they are, and what they left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic.database.backends.postgresql.restore.drivers import backend_pid, in_transaction
from hermetic.database.in_use import Checkout, OpenWork, RawConnections


@dataclass(eq=False)
class Session:
    """A connection.

    Attributes:
        connection: What its pool holds.
        pid: The process of the server's side; None where the driver does not tell.
        checkout: Who uses it now; None while it is in its pool.
        latest: Who used it before.
        changed: Whether a statement left something in it that outlives a check-in.
    """

    connection: DBAPIConnection
    pid: int | None
    checkout: Checkout | None = None
    latest: Checkout | None = None
    changed: bool = False

    @property
    def is_of_a_test(self) -> bool:
        """Whether it is idle, or in the hands of something that ends with the test."""
        return self.checkout is None or self.checkout.owner.is_test_level

    def open_work(self) -> OpenWork | None:
        """Return the transaction that it has open, if any."""
        return OpenWork("transaction", self.checkout) if in_transaction(self.connection) else None


class Sessions:
    """The open connections, by identity; every method may be called from any thread.

    Attributes:
        raw: Those that drivers opened which the project uses itself.
    """

    def __init__(self) -> None:
        self.raw = RawConnections()
        self._by_id: dict[int, Session] = {}
        self._lock = threading.RLock()  # the collector may give a connection back in the midst of anything

    def opened(self, connection: DBAPIConnection) -> Session:
        """Remember a connection that was opened."""
        session = Session(connection, backend_pid(connection))
        with self._lock:
            self._by_id[id(connection)] = session
        return session

    def closed(self, connection: DBAPIConnection) -> Session | None:
        """Forget one; return what was known of it."""
        with self._lock:
            return self._by_id.pop(id(connection), None)

    def get(self, connection: object) -> Session | None:
        """Return what is known of a connection."""
        return self._by_id.get(id(connection))

    def by_pid(self, pid: int) -> Session | None:
        """Return the connection whose server side is this process."""
        found = next((each for each in self.all() if each.pid == pid), None)
        raw = self.raw.by_pid(pid) if found is None else None
        return found if raw is None else Session(cast(DBAPIConnection, raw.connection), pid, raw.checkout)

    def are_several_in_use(self) -> bool:
        """Whether two or more are in use, those of drivers included that the project uses itself.

        One that lies in its pool may have a lock of its session.
        """
        used = sum(one.checkout is not None or one.changed for one in self.all())
        return used > 1 or used + sum(one.is_used for one in self.raw.all()) > 1

    def all(self) -> list[Session]:
        """Return every open connection."""
        with self._lock:
            return list(self._by_id.values())

    def where(self, wanted: Callable[[Session], bool]) -> list[Session]:
        """Return those that are wanted."""
        return [each for each in self.all() if wanted(each)]
