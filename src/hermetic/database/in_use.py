"""The connections that the project's own drivers hold open on a worker database: whose, from where, and in what state.

They are held weakly: a connection that nobody holds any more is gone, as far as its driver lets it go. Nothing here
asks a server; what is told is what the driver knows.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from hermetic.code import Location
from hermetic.owners import Owner


class User(Protocol):
    """Who has a connection in hand, as far as that is known."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop that it is used in; None outside any."""

    @property
    def task(self) -> asyncio.Task[Any] | None:
        """The task that took it, as long as that runs."""

    @property
    def thread(self) -> threading.Thread | None:
        """The thread that took it."""

    def handles(self) -> list[Any]:
        """Return what one must have at hand to use it."""


@dataclass(eq=False)
class Checkout:
    """A connection in use: taken from a pool and not yet given back.

    Attributes:
        owner: Who it belongs to: the session's owner where a session took it, else whoever checked it out.
        location: The user's line that checked it out (the first frame that is not SQLAlchemy's, the driver's or ours).
        engine: The engine's URL, password masked.
        used_by: Who has it in hand; none where that is over.
    """

    owner: Owner
    location: Location
    engine: str
    used_by: Callable[[], User | None] = lambda: None


@dataclass(frozen=True)
class OpenWork:
    """A transaction or a cursor that a driver connection still has open.

    Attributes:
        kind: ``"transaction"`` or ``"cursor"``.
        checkout: Who checked the connection out and where; None for a connection that no pool knows.
    """

    kind: str
    checkout: Checkout | None


class Driver(Protocol):
    """What can be asked of a driver's connections without a word to the server, and how they are ended.

    Attributes:
        name: The driver's, as it is imported.
    """

    name: str

    def pid(self, connection: Any) -> int | None:
        """Return the process of the server's side; None where the driver does not tell."""

    def is_closed(self, connection: Any) -> bool:
        """Whether it was closed, or its server is known to be gone."""

    def in_transaction(self, connection: Any) -> bool:
        """Whether the server's last word was that a transaction is open."""

    def is_handed_out(self, connection: Any) -> bool:
        """Whether the pool to which it belongs has lent it to somebody."""

    def end(self, connection: Any, pool: Any | None, loop: asyncio.AbstractEventLoop | None) -> None:
        """Close it from synchronous code, so that its pool opens another one.

        Args:
            connection: The driver's.
            pool: The pool to which it belongs, if any.
            loop: The loop in which it was opened; None outside any.
        """

    def end_pool(self, pool: Any, loop: asyncio.AbstractEventLoop | None) -> None:
        """Close a pool from synchronous code, as far as its loop lets us."""


@dataclass(frozen=True)
class Maker:
    """Who opened a connection, or made the pool that did.

    Attributes:
        owner: Who it belongs to.
        location: The user's line.
        folder: The working directory then, against which a relative SQLite path is read.
        by_an_orm: Whether a library did, that has engines of its own.
    """

    owner: Owner
    location: Location
    folder: str = ""
    by_an_orm: bool = False


@dataclass(eq=False)
class RawConnection:
    """A connection that no SQLAlchemy engine opened.

    Attributes:
        driver: Its driver.
        maker: Who opened it; for a pool's, who made the pool.
        asked: The URL that it was opened with, password masked.
        target: The worker database (or what stands for it) that it is on; None where it went where it wanted.
        loop: The event loop in which it was opened; None outside any.
        was_waited_for: Whether somebody waited already for the end of its transaction.
        lent_to: Who took it from its pool last.
        thread: The thread that opened it.
    """

    driver: Driver
    maker: Maker
    asked: str
    target: Any
    loop: asyncio.AbstractEventLoop | None
    _connection: weakref.ref[Any]
    _pool: Callable[[], Any | None]
    was_waited_for: bool = False
    lent_to: Maker | None = None
    thread: threading.Thread | None = None

    @property
    def connection(self) -> Any | None:
        """The driver's connection; None where nobody holds it any more."""
        return self._connection()

    @property
    def pool(self) -> Any | None:
        """The pool to which it belongs; None for a single connection."""
        return self._pool()

    @property
    def owner(self) -> Owner:
        """Who it belongs to."""
        return self.maker.owner

    @property
    def location(self) -> Location:
        """The user's line that opened it, or made its pool."""
        return self.maker.location

    @property
    def checkout(self) -> Checkout:
        """Who uses it, or who made it: what reports say of it."""
        user = self.lent_to if self.lent_to is not None and self.is_lent else self.maker
        return Checkout(user.owner, user.location, self.asked, weakref.ref(self))

    def handles(self) -> list[Any]:
        """Return what one must have at hand to use it."""
        connection = self.connection
        return [] if connection is None else [connection]

    @property
    def is_lent(self) -> bool:
        """Whether its pool has lent it to somebody."""
        return bool(self._ask(self.driver.is_handed_out))

    @cached_property
    def pid(self) -> int | None:
        """The process of the server's side; None where the driver does not tell."""
        connection = self.connection
        return None if connection is None else self.driver.pid(connection)

    @property
    def is_open(self) -> bool:
        """Whether it is still there."""
        return self._ask(self.driver.is_closed) is False

    @property
    def is_used(self) -> bool:
        """Whether it is in somebody's hands: lent by its pool, or a single one."""
        return self.is_lent or self.pool is None

    @property
    def in_transaction(self) -> bool:
        """Whether the server's last word was that a transaction is open."""
        return bool(self._ask(self.driver.in_transaction))

    @property
    def task(self) -> None:
        """The task that uses it: no driver tells."""

    @property
    def is_busy(self) -> bool:
        """Whether a transaction is under way, in a loop."""
        return self.loop is not None and self.in_transaction

    @property
    def is_idle(self) -> bool:
        """Whether it lies in its pool, or is a single one without a transaction."""
        return not self.in_transaction and not self.is_lent

    @property
    def is_replaceable(self) -> bool:
        """Whether a pool opens another one when this one is gone."""
        return self.pool is not None

    def end(self) -> None:
        """Close it, so that its pool, if it has one, opens another when it is next asked.

        To be called in the thread of its loop, or while that stands still. The server may hear of it only when the
        loop turns: whoever needs it gone ends the session on the server's side as well.
        """
        connection = self.connection
        if connection is not None:
            self.driver.end(connection, self.pool, self.loop)

    def end_pool(self) -> None:
        """Close the pool to which it belongs, if any, so that it opens nothing more."""
        pool = self.pool
        if pool is not None:
            self.driver.end_pool(pool, self.loop)

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        connection = self.connection
        return None if connection is None else question(connection)


class RawConnections:
    """The open ones of one database, or of the process; every method may be called from any thread."""

    def __init__(self) -> None:
        self._by_id: dict[int, RawConnection] = {}
        self._lock = threading.Lock()

    def add(self, raw: RawConnection) -> None:
        """Remember one that was opened, and forget those that are gone."""
        with self._lock:
            for key in [key for key, one in self._by_id.items() if not one.is_open]:
                del self._by_id[key]
            self._by_id[id(raw)] = raw

    def all(self) -> list[RawConnection]:
        """Return those that are open, the oldest first."""
        with self._lock:
            return [one for one in self._by_id.values() if one.is_open]

    def of(self, connection: object) -> RawConnection | None:
        """Return what is known of a driver's connection."""
        return next((one for one in self.all() if one.connection is connection), None)

    def of_pool(self, pool: object) -> RawConnection | None:
        """Return one of a pool's, if there is one."""
        return next((one for one in self.all() if one.pool is pool), None)

    def by_pid(self, pid: int) -> RawConnection | None:
        """Return the one whose server side is this process."""
        return next((one for one in self.all() if one.pid == pid), None)
