"""Where the connections of a run's process go: its worker databases, and what brings engines and drivers to them.

From ``start``, before anything of the project is imported, to ``stop``. A database is made when something first
connects; which one an engine gets, ``database/registry.py`` decides from what is known then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.contents import lines_of
from hermetic.environment import Environment
from hermetic.events import emit, listeners
from hermetic.events.database import DatabaseUsed, EngineResolved
from hermetic.events.lifecycle import DatabaseNamed, DriversUnseen, Noted, ServerUsed
from hermetic.guards.checkpoints import Checkpoints
from hermetic.guards.quiet import Quiet, Use
from hermetic.settings import Settings
from hermetic.steps import every_step

if TYPE_CHECKING:
    from sqlalchemy import URL

    from hermetic.database.backend import Address, Shared
    from hermetic.database.drivers import Drivers
    from hermetic.database.engines import Installation, SeenEngines
    from hermetic.database.engines.destinations import Destination, EngineRequest
    from hermetic.database.handed_urls import HandedUrls
    from hermetic.database.in_use import RawConnections
    from hermetic.database.inventory import Servers
    from hermetic.database.lazy import Build
    from hermetic.database.protocols import WorkerDatabase
    from hermetic.database.registry import Databases


class Containment:
    """The worker databases of one process, its engines and its drivers.

    Args:
        settings: The project's.
        root: The project's folder.
        temporary: Folders whose database files are a test's own business.
        worker: Which process of the run this is: ``main``, or the xdist worker's name.
        environment: What ``hermetic_env`` sets.
        build: Fills a new database; False where it cannot yet.
        checkpoints: Learn of databases that come and go.
        prepare: Called before it is decided where a test's own engine goes; may import the project's code.
        quiet: Returns what has others finish while somebody waits for their locks.
    """

    def __init__(
        self,
        settings: Settings,
        root: Path,
        *,
        temporary: tuple[Path, ...],
        worker: str,
        environment: Environment,
        build: Build,
        checkpoints: Checkpoints,
        prepare: Callable[[], None],
        quiet: Callable[[], Quiet],
    ) -> None:
        self._settings = settings
        self._root = root
        self._temporary = temporary
        self._worker = worker
        self._environment = environment
        self._build = build
        self._checkpoints = checkpoints
        self._prepare = prepare
        self._quiet = quiet
        self._installation: Installation | None = None
        self._drivers: Drivers | None = None
        self._handed: HandedUrls | None = None
        self._shared: list[Shared] = []
        self._written: set[Address] = set()
        self._drivers_of_engines: set[str] = set()

    # -- the process

    def check_settings(self) -> None:
        """Refuse what cannot be, before anything is changed.

        Raises:
            ConfigurationError: A rule of the project's is not valid.
        """
        self.databases  # noqa: B018 - made of them

    def start(self) -> None:
        """See every engine from now on and, in mode ``on``, every connection of a driver and every process."""
        from hermetic.database.drivers import Drivers
        from hermetic.database.engines import install
        from hermetic.database.handed_urls import HandedUrls

        self._declare()
        databases, is_on = self.databases, self._settings.mode == "on"
        self._installation = install(
            self._destination,
            mode="on" if is_on else "observe",
            prepare=self._prepare_for,
            judge=databases.judge,
            seen=self._seen,
            masking=self._settings.masking,
        )
        if is_on:
            self._drivers = Drivers(self._destination, self._prepare_for, self._names, self._root)
            databases.inventory.begin_with(self._drivers.earlier.openings)
            self._drivers.install()
            self._handed = HandedUrls(databases.made_by_tests)
            self._handed.install()

    def _declare(self) -> None:
        """Tell of the databases that settings name."""
        for url in self._environment.urls():
            self.databases.declare(url)
        for line in chain(*lines_of(self._settings, self._root).values()):
            if line.url is not None:
                self.databases.declare(line.url, str(self._root))

    def share(self) -> None:
        """Have this process's servers serve worker processes, which inherit the environment."""
        from hermetic.database.backend import every_backend

        for backend in every_backend():
            shared = backend.share(self._settings, self._root, self._directory)
            self._shared += [] if shared is None else [shared]

    def begin(self) -> None:
        """Start what the application's database needs, in the background, where a setting says what that is."""
        if self._settings.mode == "on" and self._settings.named_backend is not None:
            self.databases.begin()

    def stop(self) -> None:
        """Leave nothing behind: connections, patches, databases."""
        with every_step() as step:
            for shared in self._shared:
                with step:
                    shared.stop()
            with step:
                self.installation.uninstall()
            for each in (self._drivers, self._handed):
                if each is not None:
                    with step:
                        each.uninstall()
            with step:
                self.databases.inventory.stop()

    @property
    def _directory(self) -> Path | None:
        return self._root / self._settings.directory if self._settings.directory else None

    # -- what there is

    @property
    def installation(self) -> Installation:
        """The engines; there from ``start`` on."""
        assert self._installation is not None, "the run has not been started"
        return self._installation

    @property
    def raw(self) -> RawConnections | None:
        """What drivers opened themselves; None in mode ``observe``."""
        return self._drivers.open if self._drivers is not None else None

    @cached_property
    def _seen(self) -> SeenEngines:
        from hermetic.database.engines import SeenEngines

        return SeenEngines()

    @cached_property
    def databases(self) -> Databases:
        """The worker databases of this process."""
        from hermetic.database.backend import DEFAULT_BACKEND
        from hermetic.database.redirect import Redirect
        from hermetic.database.registry import Databases

        return Databases(
            self.servers,
            Redirect.parse(
                allow=self._settings.allow,
                aliases=self._settings.targets,
                temporary=self._temporary,
                root=self._root,
            ),
            build=self._build,
            created=self._checkpoints.note_created,
            dropped=self._checkpoints.note_dropped,
            replace=lambda connections: self.installation.replace(connections),
            unused=self._seen.unused,
            backend=self._environment.backend() or DEFAULT_BACKEND,
        )

    @cached_property
    def servers(self) -> Servers:
        """Where worker databases are made, by backend."""
        from hermetic.database.backend import Making, every_backend
        from hermetic.database.inventory import Servers

        making = Making(
            self._settings,
            self._root,
            self._directory,
            self._worker,
            lambda work: self._quiet().wait(work),
            lambda database, connections: self.installation.invalidate(database, connections),
            lambda url: self.databases.may_export(url),
        )
        return Servers({each.name: partial(each.make_server, making) for each in every_backend()})

    def all(self) -> list[WorkerDatabase]:
        """Return the worker databases that are restored: none in mode ``observe``."""
        return self.databases.inventory.all() if self._settings.mode == "on" else []

    def uses(self) -> list[Use]:
        """Return the connections that engines handed out, and those that drivers opened themselves."""
        return [*self.installation.checked_out(), *(self.raw.all() if self.raw is not None else ())]

    # -- where a connection goes

    def _prepare_for(self, request: EngineRequest) -> None:
        """A test's own engine may be used before the application's, and be for a database of that."""
        if self.databases.is_of_a_test(request):
            self._prepare()

    def _destination(self, request: EngineRequest) -> Destination:
        """Say where an engine's connections go; in mode ``observe``, where they would go with another URL given."""
        from sqlalchemy import Engine

        given = self._environment.given(request.url) if self._settings.mode == "observe" else None
        sent = request if given is None or given.url is None else replace(request, url=given.url)
        destination = self.databases.resolve(sent)
        if isinstance(request.engine, Engine):
            self._drivers_of_engines.add(request.engine.dialect.driver.removesuffix("_async"))
        if EngineResolved in listeners:
            is_empty = self._settings.mode == "on" and self.databases.starts_empty(destination)
            emit(_resolved(request, destination, "" if given is None else str(given), is_empty))
        return destination

    def _names(self, url: URL, folder: str) -> bool:
        """Whether an engine or a setting of the project's names a file."""
        from hermetic.database.address import address_of
        from hermetic.database.backend import backend_of

        if self.databases.is_named(url, folder):
            return True
        backend, address = backend_of(url), address_of(url, folder)
        if any(backend.is_named_in(each, address, str(self._root)) for each in self._environment.texts()):
            self.databases.declare(url, folder)  # whoever opens it first: it is the application's
            return True
        return False

    # -- what is told

    def tell_of_write(self, database: WorkerDatabase) -> None:
        """Tell, once, that somebody wrote to a database, if that is the application's."""
        if DatabaseUsed in listeners:
            for address in self.databases.addresses_of(database):
                if address not in self._written:  # each test writes
                    self._written.add(address)
                    emit(DatabaseUsed(str(address), is_written=True))

    def conclude(self) -> None:
        """Tell what is known only at the end, before databases and servers go."""
        from hermetic.database.backend import get_backend

        if self._drivers is None and DriversUnseen in listeners:
            emit(DriversUnseen(self._unseen()))
        for line in self._drivers.conclude() if self._drivers is not None else ():
            if Noted in listeners:
                emit(Noted(line))
        if DatabaseUsed in listeners:
            for address in self.databases.used:
                emit(DatabaseUsed(str(address), is_written=False))
        if DatabaseNamed in listeners:
            for address in self.databases.opened:
                emit(DatabaseNamed(address.backend, address.name))
        if ServerUsed in listeners:
            for name, server in self.servers.made():
                emit(ServerUsed(tuple(get_backend(name).facts(server, self._settings, self._root))))

    def _unseen(self) -> tuple[str, ...]:
        """Return the drivers that the project may have used itself: imported, and by no engine."""
        from hermetic.database.drivers import imported

        return tuple(name for name in imported() if name not in self._drivers_of_engines)


def _resolved(
    request: EngineRequest, destination: Destination, given: str, starts_empty: bool
) -> EngineResolved:
    from hermetic.database.address import is_in_memory
    from hermetic.database.engines.destinations import Itself, LeftAlone, Refusal
    from hermetic.masking import masked

    created = request.created
    outcomes = {Itself: "itself", LeftAlone: "left alone", Refusal: "refused"}
    return EngineResolved(
        None if created is None else created.owner,
        None if created is None else created.location,
        masked(request.url),
        str(destination),
        outcomes.get(type(destination), "contained"),
        destination.why if isinstance(destination, LeftAlone) else "",
        is_in_memory(request.url),
        given,
        id(request.engine),
        starts_empty,
    )
