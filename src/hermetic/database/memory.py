"""The databases in memory: which engine is for which, and how long each lives.

SQLite gives every engine on ``:memory:`` a database of its own, and one to all that share a name
(``file:x?mode=memory&cache=shared``). So it is here, with two differences: the first that the application opens is its
primary database, with schema and seed rows, where no file or server is that; and each is restored while it lives. The
others start empty, as they do elsewhere: an application that opens one makes its tables itself.

None outlives its use. A factory that a test calls makes engines which nobody disposes of, and which libraries keep in
their caches (FastAPI the closures of a thousand applications), so that neither an open connection nor a living engine
says that one is still wanted. It goes with its last engine, or with the test that made that engine; only where an
engine turns up again in a later test (a cached one) does its database stay, from then on, for as long as the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from threading import RLock
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import URL
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic.database.backend import Address, get_backend
from hermetic.database.in_use import Checkout
from hermetic.database.lazy import LazyDatabase
from hermetic.database.protocols import WorkerDatabase
from hermetic.owners import Owner


class MemoryTarget:
    """Where the connections of one engine with an in-memory URL go.

    The engine and its open connections hold it, and nothing else does: it ends with them.

    Args:
        find: Returns its database, at the first connection since it has none.
        owner: Who made the engine.
        shared: The address whose database it shares with every engine of that address; None: it is the engine's own.
        backend: Which kind of database it is.
        is_application: Whether the application made the engine.

    Attributes:
        database: What it is bound to; None as long as nobody needs it.
        is_released: Whether whoever made the engine has ended, and nobody has used it since.
    """

    def __init__(
        self,
        find: Callable[[MemoryTarget], LazyDatabase],
        owner: Owner,
        shared: Address | None,
        backend: str,
        is_application: bool,
    ) -> None:
        self.owner = owner
        self.backend = backend
        self.shared = shared
        self.is_application = is_application
        self.database: LazyDatabase | None = None
        self.is_released = False
        self._find = find
        self._stays = False
        self._opened: dict[int, DBAPIConnection] = {}
        self._in_use: dict[int, Checkout] = {}

    def __str__(self) -> str:
        return str(self.database) if self.database is not None else "an empty database of its own, in memory"

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.database.name if self.database is not None else "in memory"

    @property
    def worker(self) -> WorkerDatabase | None:
        """The worker database, once there is one."""
        return self.database.worker if self.database is not None else None

    def open(self, dialect: Dialect, args: Sequence[Any], params: dict[str, Any]) -> DBAPIConnection:
        """Open a connection on its database, which is found or made first."""
        connection = (self.database or self._find(self)).open(dialect, args, params)
        self._opened[id(connection)] = connection
        return connection

    def holds(self, connection: DBAPIConnection) -> bool:
        """Whether a connection is on its database, as far as its driver tells."""
        return self.database is not None and self.database.holds(connection)

    def reach(self, user: str | None) -> URL:
        """Return where a driver of the project's own connects; its database is found or made first."""
        return (self.database or self._find(self)).reach(user)

    def note_raw(self, raw: object) -> None:
        """A connection in memory knows itself who it is."""

    def note_checkout(self, connection: DBAPIConnection, checkout: Checkout | None) -> None:
        """Learn who uses one of its connections; None when it went back to its pool."""
        if checkout is None:
            self._in_use.pop(id(connection), None)
        else:
            self._in_use[id(connection)] = checkout
        if self.database is not None and self.worker is not None:
            self.database.note_checkout(connection, checkout)

    def note_closed(self, connection: DBAPIConnection) -> None:
        """Forget one of its connections, which was closed."""
        self._opened.pop(id(connection), None)
        self._in_use.pop(id(connection), None)

    def is_over(self) -> bool:
        """Whether whoever made the engine has ended, and nobody else uses it."""
        if self._stays or not self.owner.has_ended:
            return False
        return all(checkout.owner.has_ended for checkout in list(self._in_use.values()))

    def release(self) -> list[DBAPIConnection]:
        """Let its database go; the next connection, if there is one, finds another, and that stays.

        Returns:
            What pools of its engine still hold: connections that are closed now.
        """
        self.database, self.is_released = None, True
        held = list(self._opened.values())
        for connection in held:
            get_backend(self.backend).close(connection)
        return held

    def bind(self, database: LazyDatabase) -> None:
        """Give it a database."""
        self._stays = self._stays or self.is_released
        self.database, self.is_released = database, False


class MemoryDatabases:
    """The databases in memory of one process.

    Args:
        lock: Held while one is found or let go.
        primary: Returns the application's primary database, where that is, or can still become, one in memory of a
            backend.
        new: Makes an empty database of a backend.
        drop: Removes one that ``new`` made.
        replace: Has connections that are closed replaced before somebody uses them.
    """

    def __init__(
        self,
        lock: RLock,
        *,
        primary: Callable[[str], LazyDatabase | None],
        new: Callable[[str], LazyDatabase],
        drop: Callable[[LazyDatabase], None],
        replace: Callable[[Sequence[DBAPIConnection]], None],
    ) -> None:
        self._lock = lock
        self._primary = primary
        self._new = new
        self._drop = drop
        self._replace = replace
        self._of_engines: WeakKeyDictionary[object, MemoryTarget] = WeakKeyDictionary()
        self._living: WeakSet[MemoryTarget] = WeakSet()
        self._own: list[LazyDatabase] = []

    def target(
        self, engine: object, owner: Owner, shared: Address | None, *, backend: str, is_application: bool
    ) -> MemoryTarget:
        """Return where an engine goes, the same each time it is asked.

        Args:
            engine: The engine; None for what is none.
            owner: Who made it.
            shared: The address that it shares with others; None: its database is its own.
            backend: Which kind of database it is.
            is_application: Whether the application made it.
        """
        with self._lock:
            found = self._of_engines.get(engine) if engine is not None else None
            if found is None:
                found = MemoryTarget(self._find, owner, shared, backend, is_application)
                if engine is not None:
                    self._of_engines[engine] = found
                if owner.has_ended:  # nobody used the engine then, and probably nobody will
                    found.release()
                else:
                    self._living.add(found)
                    self._join_or_claim(found)
            return found

    def of_application(self) -> set[Hashable]:
        """Tell apart the databases in memory that the application has now, whether or not they were made."""
        with self._lock:
            found = [each for each in self._living if each.is_application]
            return {self._reached_by(each) or each.shared or each for each in found}

    def backends_of_application(self) -> list[str]:
        """Return which kinds of database in memory the application has now."""
        with self._lock:
            return sorted({each.backend for each in self._living if each.is_application})

    def is_of_a_suite(self, database: LazyDatabase | None) -> bool:
        """Whether it is there because tests or fixtures called what makes an engine on it."""
        with self._lock:
            makers = {each.owner.kind for each in self._living if each.database is database}
            return bool(makers) and makers <= {"fixture", "test"}

    def own(self) -> list[WorkerDatabase]:
        """Return those that exist beside the primary one."""
        return [each.worker for each in list(self._own) if each.worker is not None]

    def release(self) -> None:
        """Let go what was made in a test that has ended, and what no engine reaches any more."""
        with self._lock:
            for target in [each for each in self._living if each.is_over()]:
                self._living.discard(target)
                self._replace(target.release())
            self._sweep()

    def _find(self, target: MemoryTarget) -> LazyDatabase:
        with self._lock:
            self._living.add(target)
            self._join_or_claim(target)  # another thread's, where one was faster
            return target.database or self._made_for(target)

    def _made_for(self, target: MemoryTarget) -> LazyDatabase:
        self._sweep()
        database = self._new(target.backend)
        self._own.append(database)
        target.bind(database)
        return database

    def _join_or_claim(self, target: MemoryTarget) -> None:
        """The database of its name, or the primary one, which is the application's first as long as that lives."""
        found = self._reached_by(target)
        if found is None and target.is_application:
            primary = self._primary(target.backend)
            found = None if any(each.database is primary for each in self._living) else primary
        if found is not None:
            target.bind(found)

    def _reached_by(self, target: MemoryTarget) -> LazyDatabase | None:
        """The database that a target is bound to, itself or by its name."""
        if target.database is not None or target.shared is None:
            return target.database
        namesakes = [each.database for each in self._living if each.shared == target.shared]
        return next((each for each in namesakes if each is not None), None)

    def _sweep(self) -> None:
        if not self._own:
            return
        reached = {each.database for each in self._living}
        for unreached in [each for each in self._own if each not in reached]:
            self._own.remove(unreached)
            self._drop(unreached)
