"""The worker databases of one process that there are: made at their first connection, listed, undone and removed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from threading import RLock
from typing import Protocol
from weakref import WeakValueDictionary

from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic.database.address import address_of
from hermetic.database.backend import Address
from hermetic.database.lazy import Build, LazyDatabase, NamedDatabase
from hermetic.database.protocols import Server, WorkerDatabase
from hermetic.database.templates import Built, Note
from hermetic.errors import HermeticError
from hermetic.owners import PROCESS, Owner
from hermetic.steps import every_step


class Servers:
    """The servers of one process, by backend; each is made when its first database is.

    Args:
        makers: How to make each, by backend.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Server]]) -> None:
        self._makers = makers
        self._made: dict[str, Server] = {}

    def __getitem__(self, backend: str) -> Server:
        if backend not in self._made:
            self._made[backend] = self._makers[backend]()
        return self._made[backend]

    @property
    def backends(self) -> Collection[str]:
        """What databases can be of, whether or not the server was made."""
        return self._makers.keys()

    def made(self) -> list[tuple[str, Server]]:
        """Return those that were made, with their backends."""
        return list(self._made.items())

    def stop(self) -> None:
        """Stop those that were made."""
        with every_step() as step:
            for server in self._made.values():
                with step:
                    server.stop()
            self._made.clear()


class Earlier(Protocol):
    """What a driver opened where it is, before an engine or a setting named it."""

    def put_into(self, database: WorkerDatabase) -> bool:
        """Put what it holds into a database that was just made in its place; return whether there was anything."""


class Inventory:
    """The databases of one process, whatever they are for.

    Args:
        servers: Where they are made, by backend.
        created: Called with each as soon as it exists.
        dropped: Called with each that goes before the run ends.
        replace: Has connections replaced before somebody uses them again.
        name: What the first is called; further ones are numbered.
        lock: Held while they become more or fewer.
    """

    def __init__(
        self,
        servers: Servers,
        *,
        created: Callable[[WorkerDatabase], None],
        dropped: Callable[[WorkerDatabase], None],
        replace: Callable[[Sequence[DBAPIConnection]], None],
        name: str,
        lock: RLock,
    ) -> None:
        self._servers = servers
        self._created = created
        self._dropped = dropped
        self._replace = replace
        self._name = name
        self._lock = lock
        self._count = 0
        self._all: list[LazyDatabase] = []
        self._named: WeakValueDictionary[str, NamedDatabase] = WeakValueDictionary()
        self._empty: list[tuple[LazyDatabase, WorkerDatabase]] = []
        self._earlier: Mapping[Address, Earlier] = {}

    @property
    def served(self) -> Collection[str]:
        """The backends that databases can be of."""
        return self._servers.backends

    def begin_with(self, earlier: Mapping[Address, Earlier]) -> None:
        """Have databases begin as what was opened at their addresses before."""
        self._earlier = earlier

    # -- making

    def new(
        self,
        build: Build | None,
        backend: str,
        user: str | None = None,
        begin: Callable[[WorkerDatabase], bool] = lambda worker: False,
    ) -> LazyDatabase:
        """Add one, which is made when it is needed.

        Args:
            build: Fills it; None for one that starts empty.
            backend: What it is.
            user: As whom the application logs in elsewhere.
            begin: Called with it before it is filled; returns whether that is what it is to hold.
        """
        self._count += 1
        name = self._name if self._count == 1 else f"{self._name}_{self._count}"
        server = self._servers[backend]
        lazy = LazyDatabase(name, server, build, self._created, user, begin, self._replace)
        self._all.append(lazy)
        return lazy

    def new_at(self, address: Address, build: Build | None, user: str | None) -> LazyDatabase:
        """Add one for an address, which begins as what was opened there before; see ``new``."""

        def begin(worker: WorkerDatabase) -> bool:
            earlier = self._earlier.get(address)
            return earlier is not None and earlier.put_into(worker)

        return self.new(build, address.backend, user, begin)

    def new_empty(self, like: LazyDatabase) -> WorkerDatabase:
        """Make an empty one for one test, at once, of another one's kind; only its own URL leads to it."""
        lazy = self.new(None, like.backend, like.user)
        made = lazy.worker = self._servers[like.backend].create_empty(lazy.name, like.user)
        self._empty.append((lazy, made))
        return made

    def drop_empty(self) -> None:
        """Drop what ``new_empty`` returned."""
        with self._lock, every_step() as step:
            for lazy, _ in self._empty:
                with step:
                    self.drop(lazy)
            self._empty.clear()

    def drop(self, lazy: LazyDatabase) -> None:
        """Remove one before the run ends."""
        self._all.remove(lazy)
        if lazy.worker is not None:
            self._dropped(lazy.worker)
            self._servers[lazy.backend].drop(lazy.worker)

    # -- those that code under test makes itself

    def names(self) -> list[tuple[str, str]]:
        """Return their backends and names."""
        return [(backend, name) for backend, server in self._servers.made() for name in server.named]

    def look(self, owner: Owner | None = None) -> None:
        """Learn which of them were made and dropped, unseen perhaps.

        Args:
            owner: Who made those that are new; whoever is at work where None.
        """
        for _, server in self._servers.made():
            server.look(owner)

    def look_for(self, address: Address) -> None:
        """Have the server look for the one that an address may mean; one of ours needs no look."""
        server = dict(self._servers.made()).get(address.backend)
        ours = {each.worker.name for each in self._all if each.worker and not isinstance(each, NamedDatabase)}
        if server is not None and address.name not in ours:
            server.look(asked=address.name)

    def explain(self, error: BaseException) -> HermeticError | None:
        """Return why a test failed, where its error comes of what others do on a server."""
        found = (server.explain(error) for _, server in self._servers.made())
        return next(filter(None, found), None)

    def named(self, address: Address) -> LazyDatabase:
        """Return what stands for one of them, today's and the next one of that name."""
        found = self._named.get(address.name)
        if found is None:
            found = NamedDatabase(address.name, self._servers[address.backend], None, self._note_named)
            self._named[address.name] = found
        return found

    def _note_named(self, worker: WorkerDatabase) -> None:
        """One of them is restored from its first engine on."""
        lazy = self._named[worker.name]
        with self._lock:
            self._all = [*(each for each in self._all if each is not lazy), lazy]
        self._created(worker)

    # -- those that there are

    def all(self) -> list[WorkerDatabase]:
        """Return the databases that exist, in the order in which they were first asked for."""
        return [each.worker for each in list(self._all) if each.worker is not None]

    def addresses(self) -> list[Address]:
        """Return where they lie."""
        return [address_of(worker.url) for worker in self.all()]

    def at(self, address: Address) -> LazyDatabase:
        """Return the one that lies at an address."""
        return next(each for each in self._all if each.worker and address_of(each.worker.url) == address)

    def built(self, database: WorkerDatabase, build: Callable[[], Note]) -> Built:
        """Build what fills a database; say which others that made or wrote, and what it returned."""
        self.look()
        named, there = self.names(), self.all()
        note = build()
        self.look()
        used = [each for each in self.all() if each not in there or each.dirty()]
        further = {name for _, name in set(self.names()) - set(named)}
        return Built([each.name for each in used if each is not database] + sorted(further), note)

    def begin(self, backend: str) -> None:
        """Start what databases of a kind need, in the background."""
        self._servers[backend].begin()

    def mark_baselines(self) -> None:
        """Make what they hold now their baseline: what imports and collection wrote is there for all tests."""
        self.look(PROCESS)
        for each in list(self._all):
            if each.worker is not None and each.worker.exists:
                each.ready().mark_baseline()

    def undo(self) -> None:
        """Remove the databases that the test which ends now made itself."""
        with every_step() as step:
            for _, server in self._servers.made():
                with step:
                    server.undo()
            self._all = [each for each in self._all if not _is_gone(each)]

    def stop(self) -> None:
        """Close and remove every database."""
        with every_step() as step:
            with step:
                self._servers.stop()
            self._all.clear()


def _is_gone(database: LazyDatabase) -> bool:
    """Whether it was dropped by the code under test that made it; one of ours may only not be there yet."""
    worker = database.worker
    return isinstance(database, NamedDatabase) and worker is not None and not worker.exists
