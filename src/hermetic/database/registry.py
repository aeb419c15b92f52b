"""Which engine of a process gets which worker database (``inventory.py`` has those that there are).

Importing an application makes engines, and a conftest may make more; none of that must create or build a database. So
an engine is resolved to a *lazy* database, which is created and filled at the first connection. The *primary* one is
the database that the application's first engine goes to; a further URL of the application gets one of its own, with the
same schema and seed rows. Those in memory have a module of their own (``memory.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from threading import RLock

from sqlalchemy import URL
from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic import owners
from hermetic.code import Location
from hermetic.database.address import address_of, is_in_memory
from hermetic.database.backend import DEFAULT_BACKEND, Address
from hermetic.database.engines.destinations import (
    Creation,
    Destination,
    EngineRequest,
    Itself,
    LeftAlone,
    Refusal,
    refusal,
)
from hermetic.database.inventory import Inventory, Servers
from hermetic.database.lazy import Build, LazyDatabase
from hermetic.database.memory import MemoryDatabases, MemoryTarget
from hermetic.database.protocols import WorkerDatabase
from hermetic.database.redirect import (
    Decision,
    Known,
    Redirect,
    ToApplication,
    ToFresh,
    ToMemory,
    ToNamed,
    ToOnlyMemory,
)
from hermetic.database.templates import Unfilled
from hermetic.masking import masked
from hermetic.owners import PROCESS


def _private(backend: str) -> Address:
    """Return what stands for the databases in memory that have no name."""
    return Address(backend, ":memory:", in_memory=True)


class Databases:
    """Says where each engine goes, and which databases are the application's.

    Args:
        servers: Where worker databases are made, by backend.
        redirect: The project's rules.
        build: Fills a new application database with schema and seed rows; returns False when it cannot yet (the
            application is still being imported): then it is asked again at the next connection.
        created: Called with each worker database as soon as it exists.
        dropped: Called with each that goes before the run ends.
        replace: Has connections replaced before somebody uses them: their database in memory goes, or has its tables
            only now.
        unused: Returns the engines that were made and never used yet, the oldest first: what the application's URLs are
            is learnt from those, too.
        name: What the first database is called; further ones are numbered.
        backend: What the application's database is as long as no engine of the application has told.

    Attributes:
        inventory: The databases that there are.
    """

    def __init__(
        self,
        servers: Servers,
        redirect: Redirect,
        build: Build,
        *,
        created: Callable[[WorkerDatabase], None] = lambda database: None,
        dropped: Callable[[WorkerDatabase], None] = lambda database: None,
        replace: Callable[[Sequence[DBAPIConnection]], None] = lambda connections: None,
        unused: Callable[[], Iterable[EngineRequest]] = tuple,
        name: str = "hermetic",
        backend: str = DEFAULT_BACKEND,
    ) -> None:
        self._backend = backend
        self._redirect = redirect
        self._build = build
        self._unused = unused
        self._lock = RLock()
        self.inventory = Inventory(
            servers, created=created, dropped=dropped, replace=replace, name=name, lock=self._lock
        )
        self._declared: set[Address] = set()
        self._applications: dict[Address, LazyDatabase] = {}
        self._late: set[Address] = set()
        self._fresh: dict[Address, LazyDatabase] = {}
        self._primary: LazyDatabase | None = None
        self._primary_is_bound = False
        self._is_opened_by_url = False
        self._memory = MemoryDatabases(
            self._lock,
            primary=self._primary_in_memory,
            new=lambda backend: self.inventory.new(None, backend),
            drop=self.inventory.drop,
            replace=replace,
        )

    def declare(self, url: URL, folder: str | None = None) -> None:
        """Say ahead that the application uses this URL.

        Args:
            url: As a setting or the environment has it.
            folder: Where a relative path starts; the working directory where None.
        """
        self._declared.add(address_of(url, folder))

    def resolve(self, request: EngineRequest) -> Destination:
        """Say where an engine's connections go; makes nothing yet."""
        self.inventory.look_for(address_of(request.url))
        with self._lock:
            self._learn()
            return self._carry_out(self._decide(request), request)

    def made_by_tests(self, url: URL) -> LazyDatabase | None:
        """Return the database of the tests' own making that a URL means; None where it means another."""
        address = address_of(url)
        self.inventory.look_for(address)
        with self._lock:
            decision = self._redirect.destination(url, is_application=False, known=self._known(None))
            return self.inventory.named(address) if isinstance(decision, ToNamed) else None

    def _learn(self) -> None:
        """Note which databases the application's engines are for, those too that were not used yet."""
        unused = list(self._unused())
        self._is_opened_by_url = self._is_opened_by_url or any(map(self._opens_the_primary, unused))
        for made in unused:
            match self._decide(made):
                case ToApplication(address):
                    self._application(address, made.url.username)
                case ToMemory(shared):
                    self._in_memory(shared, made)
                case _:
                    pass

    def _opens_the_primary(self, request: EngineRequest) -> bool:
        """Whether the project's own code, which was handed the primary's URL, made an engine of it."""
        worker = self._primary.worker if self._primary is not None else None
        if worker is None or request.created is None or address_of(request.url) != address_of(worker.url):
            return False
        return self._redirect.is_application_code(request.created.location)

    def _decide(self, request: EngineRequest) -> Decision:
        return self._redirect.destination(
            request.url,
            is_application=self._is_application(request.created),
            own_creator=request.own_creator,
            folder=request.created.folder if request.created else None,
            known=self._known(request),
            created=request.created,
        )

    def judge(self, request: EngineRequest, reached: URL | None) -> None:
        """Refuse a connection that is not where its engine was sent.

        Args:
            request: The engine.
            reached: Where the connection is; None where it cannot be asked, as that of a fake.

        Raises:
            ContainmentError: It is on no database of ours, or is a fake that no test made.
        """
        if reached is None:
            if not self._is_application(request.created):
                return
            why = "its connections come of a creator of its own, and cannot be asked where they lead."
        else:
            address = address_of(reached)
            if self._redirect.is_harmless(address) or address in self._known().workers:
                return
            why = f"a creator, a listener or a module of its own opened {masked(reached)} instead."
        raise refusal(request.url, request.created, why, asked_by=owners.current())

    def may_export(self, url: URL) -> bool:
        """Whether a statement may write a copy of a database there: under temporary folders, or where allowed."""
        return self._redirect.is_harmless(address_of(url))

    def is_named(self, url: URL, folder: str) -> bool:
        """Whether an engine that was made, or a setting, names a database."""
        address = address_of(url, folder)
        with self._lock:
            self._learn()
            known = self._known()
        return (
            address in known.applications
            or address in known.workers
            or address in self._fresh
            or self._redirect.names(address)
        )

    def is_of_a_test(self, request: EngineRequest) -> bool:
        """Whether a test made the engine, for a database that may turn out to be the application's."""
        if self._is_application(request.created):
            return False
        return not self._redirect.is_temporary(
            address_of(request.url, request.created.folder if request.created else None)
        )

    def is_test_code(self, location: Location) -> bool:
        """Whether a line is a test's."""
        return self._redirect.is_test_code(location)

    def _is_application(self, created: Creation | None) -> bool:
        return created is None or not self._redirect.is_test_code(created.location)

    def _known(self, request: EngineRequest | None = None) -> Known:
        """Return what is known; of databases in memory only where an engine is for one."""
        given = request.created.given if request is not None and request.created is not None else frozenset()
        in_memory = self._in_memory_now() if request is not None and is_in_memory(request.url) else set()
        return Known(
            applications={each for each in self._applications if not each.in_memory} | self._declared | given,
            workers=self.inventory.addresses(),
            served=self.inventory.served,
            named=self.inventory.names(),
            in_memory=len(in_memory),
            primary_in_memory=self._primary in in_memory and not self._memory.is_of_a_suite(self._primary),
        )

    def _in_memory_now(self) -> set[Hashable]:
        """Tell apart the databases in memory that the application has now."""
        declared = [each for each in self._declared & self._applications.keys() if each.in_memory]
        return self._memory.of_application() | {self._applications[each] for each in declared}

    def _carry_out(self, decision: Decision, request: EngineRequest) -> Destination:
        match decision:
            case Itself() | LeftAlone() | Refusal():
                return decision
            case ToApplication(address):
                found = self._application(address, request.url.username)
                return _too_late(request, address) if address in self._late else found
            case ToNamed(address):
                return self.inventory.named(address)
            case ToOnlyMemory():
                return self._the_primary()
            case ToFresh(address) if not address.in_memory:
                return self._fresh_for(address, request.url)
            case ToMemory(shared) | ToFresh(shared):
                return self._in_memory(shared, request)
            case _:
                return self.inventory.at(decision.address)

    def _application(self, address: Address, user: str | None) -> LazyDatabase:
        found = self._applications.get(address)
        if found is None:
            found = self._applications[address] = self._next_application(address, user)
        return found

    def _next_application(self, address: Address, user: str | None) -> LazyDatabase:
        """The primary for the first; a test's database of that URL becomes the application's."""
        earlier = self._fresh.pop(address, None)
        if not self._primary_is_bound:
            self._primary_is_bound = True
            primary = self._primary
            if primary is not None and primary.backend == address.backend:
                return primary
            if primary is not None and primary.is_in_use:
                self._late.add(address)
            self._primary = earlier or self.inventory.new_at(address, self._fill, user)
            if earlier is None:
                return self._primary
        if earlier is None:
            return self.inventory.new_at(address, self._fill, user)
        earlier.build_with(self._fill_untouched)
        return earlier

    def _fill_untouched(self, worker: WorkerDatabase) -> Unfilled | None:
        """Fill what a test had as its own, once nothing of the test's, or of its fixtures, is in it."""
        return self._fill(worker) if worker.is_pristine else Unfilled.LEFT

    def _fill(self, worker: WorkerDatabase) -> Unfilled | None:
        """Fill a database; what that makes of others in memory is there for all tests as well."""
        earlier = self._memory.own()
        unfilled = self._build(worker)
        for each in self._memory.own():
            if unfilled is None and each not in earlier:
                each.mark_baseline()
        return unfilled

    def _in_memory(self, shared: Address | None, request: EngineRequest) -> MemoryTarget:
        created = request.created
        return self._memory.target(
            request.engine,
            PROCESS if created is None else created.owner,
            shared,
            backend=address_of(request.url).backend,
            is_application=self._is_application(created),
        )

    def _primary_in_memory(self, backend: str) -> LazyDatabase | None:
        """The primary database, where the application's first one is in memory, and none that is declared."""
        if any(each.in_memory for each in self._declared):
            return None
        if not (self._primary_is_bound or self._is_opened_by_url) and self.primary_backend == backend:
            return self._application(_private(backend), None)
        found = self._applications.get(_private(backend))
        return found if found is self._primary else None

    def _fresh_for(self, address: Address, url: URL) -> LazyDatabase:
        if address not in self._fresh:
            self._fresh[address] = self.inventory.new_at(address, None, url.username)
        return self._fresh[address]

    def starts_empty(self, destination: object) -> bool:
        """Whether an engine goes to a database that nothing fills, since nobody knows it as the application's."""
        return any(destination is each for each in self._fresh.values())

    def _the_primary(self) -> LazyDatabase:
        with self._lock:
            if self._primary is None:
                self._primary = self.inventory.new(self._fill, self._backend)
            return self._primary

    def primary(self) -> WorkerDatabase:
        """Return the application's database, made and built if it was not yet; its engines say what it is."""
        with self._lock:
            self._learn()
        return self._the_primary().ready()

    def empty(self) -> WorkerDatabase:
        """Return a further database of the application's kind, empty, to which only its own URL leads."""
        with self._lock:
            self._learn()
            return self.inventory.new_empty(self._the_primary())

    def release(self) -> None:
        """Drop the databases in memory that went with a test, or with the last of their engines."""
        self._memory.release()

    def addresses_of(self, worker: WorkerDatabase) -> list[Address]:
        """Return the addresses of the application's that lead to a worker database, as far as is known."""
        return [address for address, each in self._applications.items() if each.worker is worker]

    def may_start_empty(self, worker: WorkerDatabase) -> bool:
        """Whether the application opens it in memory, where it has to make its tables itself when nobody tests it."""
        primary = self._primary
        return primary is not None and primary.worker is worker and primary in self._memory.of_application()

    @property
    def is_primary_built(self) -> bool:
        """Whether the application's database has its tables and rows."""
        return self._primary is not None and self._primary.is_in_use

    @property
    def primary_url(self) -> URL:
        """The URL of the application's database; makes it, but does not build it."""
        return self._the_primary().made().url

    @property
    def primary_backend(self) -> str:
        """What the application's database is, as far as is known."""
        return self._primary.backend if self._primary is not None else self._backend

    @property
    def knows_the_application(self) -> bool:
        """Whether an engine of the application's was made, or a setting says what its database is."""
        with self._lock:
            self._learn()
        return bool(self.opened) or any(each.backend in self.inventory.served for each in self._declared)

    @property
    def opened(self) -> tuple[Address, ...]:
        """The addresses that the application's engines are for, as far as is known."""
        in_memory = map(_private, self._memory.backends_of_application())
        return tuple(dict.fromkeys([*self._applications, *in_memory]))

    @property
    def used(self) -> list[Address]:
        """The addresses of the application's that somebody connected to, those in memory left out."""
        return [
            address
            for address, each in self._applications.items()
            if each.is_in_use and not address.in_memory
        ]

    def begin(self) -> None:
        """Start what the application's database needs, in the background."""
        self.inventory.begin(self.primary_backend)


def _too_late(request: EngineRequest, address: Address) -> Refusal:
    why = "it was made only when the tests' fixtures had a database of another kind already."
    return Refusal(
        request.url, request.created, why, f"say ahead what it is: hermetic_database = {address.backend}"
    )
