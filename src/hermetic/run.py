"""One run of a test suite: its settings, its application, its databases, and what brings each test its baseline.

The pytest plugin translates pytest's objects into calls of this class and knows no more; nothing here knows pytest.
What happens when: ``start`` (before any conftest) sets the environment and contains the engines; the application is
imported and the first worker database built when something first asks for them; ``begin_test`` and ``end_test`` bracket
a test; ``checkpoints`` brackets the life of wider-scoped fixtures.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hermetic import application, owners, tasks
from hermetic.contents import lines_of
from hermetic.environment import Environment
from hermetic.errors import ConfigurationError
from hermetic.events import (
    DatabaseKept,
    DatabaseNamed,
    DatabaseUsed,
    EngineResolved,
    Leaked,
    Noted,
    Restored,
    ServerUsed,
    TaskLeft,
    TestBegan,
    TestEnded,
    emit,
    listeners,
)
from hermetic.filling import Filling
from hermetic.guards.applications import ApplicationWatch
from hermetic.guards.background import (
    Background,
    background_error,
    ends_with_a_test,
)
from hermetic.guards.checkpoints import Checkpoints
from hermetic.guards.closing import Closer
from hermetic.guards.identity import IdentityGuard
from hermetic.guards.leaks import Leaks
from hermetic.guards.quiet import Quiet, Use
from hermetic.guards.raw import RawLeaks
from hermetic.guards.shared import SharedMappings
from hermetic.guards.threads import ThreadWatch
from hermetic.loading import Application
from hermetic.owners import Owner
from hermetic.settings import Background as BackgroundMode
from hermetic.settings import Settings
from hermetic.steps import every_step
from hermetic.threads import now

if TYPE_CHECKING:
    from sqlalchemy import URL

    from hermetic.database.backends import Shared
    from hermetic.database.drivers.installation import Drivers
    from hermetic.database.engines import Installation
    from hermetic.database.engines.destinations import Destination, EngineRequest
    from hermetic.database.protocols import WorkerDatabase
    from hermetic.database.registry import Databases
    from hermetic.database.servers import Servers

NEVER: Hashable = object()
ORMS = {"tortoise", "piccolo", "databases", "edgy", "ormar"}
"""What imports its driver only when it connects."""


def _opens_by_hand() -> bool:
    """Whether something is imported that opens connections which are no engine's."""
    from hermetic.database import backends

    drivers = {driver for backend in backends.every() for driver in backend.driver_modules}
    return not sys.modules.keys().isdisjoint(drivers - sys.stdlib_module_names | ORMS)


class Run:
    """The state of one run.

    Args:
        settings: What the project asked for; its mode is ``observe`` or ``on``.
        root: The project's folder.
        temporary: Folders whose database files are a test's own business.
        worker: Which process of the run this is: ``main``, or the xdist worker's name.
    """

    def __init__(
        self, settings: Settings, *, root: Path, temporary: tuple[Path, ...], worker: str = "main"
    ) -> None:
        self.settings = settings
        self.root = root
        self.worker = worker
        self.closer = Closer()
        self._temporary = temporary
        self._threads = ThreadWatch()
        self.environment = Environment(settings, root, lambda: self.databases.primary_url)
        self.checkpoints = Checkpoints(
            self._all_databases,
            lambda: [*self._mappings.guards, *self._identities],
            before=lambda owner: self.quiet.begin_set_up(owner),
            after=lambda owner: self.quiet.end_set_up(owner),
            wrote=self._note_written,
        )
        self._mappings = SharedMappings(self.checkpoints.note_guard, settings.mode)
        self._identities: list[IdentityGuard] = []
        self._rows_went_back = False
        self._application = Application(
            settings.app,
            before=self._before_import,
            imported=lambda: self._watch.install(),
            made=lambda found: self._mappings.note([found]),
        )
        self.filling = Filling(
            settings, root, self._application, lambda: self.databases, lambda: self._watch.is_up
        )
        self._watch = ApplicationWatch(lambda loop: self.background.note_loop(loop), self.filling.left)
        self._boundary: Hashable = NEVER
        self._installation: Installation | None = None
        self._drivers: Drivers | None = None
        self._test_is_open = False
        self.ending: frozenset[str] = frozenset({"function"})
        self._url_is_handed_out = False
        self._shared: list[Shared] = []

    # -- the run

    def start(self) -> None:
        """Contain the process's engines and set the environment, before anything of the project is imported."""
        from hermetic.database import backends
        from hermetic.database.drivers.installation import Drivers
        from hermetic.database.engines import install

        for each in backends.every():
            application.PACKAGES.update(each.packages)
        databases = self.databases
        self._url_is_handed_out = self.settings.mode == "on" and self.environment.hands_out_the_url
        self.environment.start()
        for url in self.environment.urls():
            databases.declare(url)
        for line in chain(*lines_of(self.settings, self.root).values()):
            if line.url is not None:
                databases.declare(line.url, str(self.root))
        self._installation = install(
            self._destination,
            mode="on" if self.settings.mode == "on" else "observe",
            prepare=self._prepare,
            judge=databases.judge,
        )
        databases.learn_from(self._installation.unused)
        if self._is_on:
            self._threads.install()
            self._drivers = Drivers(self._destination, self._prepare, self._names, self.root)
            databases.begin_with(self._drivers.earlier.begin)
            self._drivers.install()

    def share(self) -> None:
        """Have this run's servers serve its worker processes, which inherit the environment."""
        from hermetic.database import backends

        for backend in backends.every():
            shared = backend.share(self.settings, self.root, self._directory)
            self._shared += [] if shared is None else [shared]

    def stop(self) -> None:
        """Leave nothing behind: databases, connections, patches, environment."""
        with every_step() as step:
            with step:
                self.closer.close_idle()
            with step:
                self._watch.uninstall()
            with step:
                self._threads.uninstall()
            for shared in self._shared:
                with step:
                    shared.stop()
            with step:
                self.installation.uninstall()
            if self._drivers is not None:
                with step:
                    self._drivers.uninstall()
            with step:
                self.databases.stop()
            with step:
                self.environment.stop()

    @property
    def installation(self) -> Installation:
        """The engines' containment; there from ``start`` on."""
        assert self._installation is not None, "the run has not been started"
        return self._installation

    @property
    def _is_on(self) -> bool:
        return self.settings.mode == "on"

    @cached_property
    def background(self) -> Background:
        """What tests leave running."""
        from hermetic.database.engines import is_in_a_driver

        return Background(self.installation.checked_out, is_in_a_driver)

    @cached_property
    def leaks(self) -> Leaks:
        """What ends the connections that tests left open."""
        raw = None if self._drivers is None else RawLeaks(self._drivers.open, self.databases.is_test_code)
        return Leaks(self.installation, raw, self._all_databases)

    @cached_property
    def quiet(self) -> Quiet:
        """What lets others finish before a restore."""
        return Quiet(
            self.installation.gate,
            self._uses,
            lambda: {*self.background.loops, *self.installation.loops()},
        )

    def _uses(self) -> list[Use]:
        """Return the connections that engines handed out, and those that drivers opened themselves."""
        return [*self.installation.checked_out(), *(self._drivers.open.all() if self._drivers else ())]

    @cached_property
    def databases(self) -> Databases:
        """The worker databases of this process."""
        from hermetic.database import backends
        from hermetic.database.redirect import Redirect
        from hermetic.database.registry import Databases

        return Databases(
            self.servers,
            Redirect.parse(
                allow=self.settings.allow,
                aliases=self.settings.targets,
                temporary=self._temporary,
                root=self.root,
            ),
            build=self.filling.build,
            created=self.checkpoints.note_created,
            dropped=self.checkpoints.note_dropped,
            replace=lambda connections: self.installation.replace(connections),
            backend=self.environment.backend() or backends.DEFAULT,
        )

    @cached_property
    def servers(self) -> Servers:
        """Where worker databases are made, by backend."""
        from hermetic.database import backends
        from hermetic.database.servers import Servers

        making = backends.Making(
            self.settings,
            self.root,
            self._directory,
            self.worker,
            lambda work: self.quiet.wait(work),
            lambda database, connections: self.installation.invalidate(database, connections),
            lambda url: self.databases.may_export(url),
        )
        return Servers({each.name: partial(each.make_server, making) for each in backends.every()})

    @property
    def _directory(self) -> Path | None:
        return self.root / self.settings.directory if self.settings.directory else None

    def primary(self, make: Callable[[], object] = lambda: None) -> WorkerDatabase:
        """Return the application's database, ready; its engines, or the settings, say what it is.

        Args:
            make: Makes the application, where nothing else has told; what it raises is raised here.

        Raises:
            ConfigurationError: Schema or seed rows cannot be made.
        """
        self.learn_what_the_database_is(make)
        self.filling.require()
        return self.databases.primary()

    def empty_database(self, make: Callable[[], object] = lambda: None) -> WorkerDatabase:
        """Return an empty database of the application's kind, which is dropped when the test ends.

        Args:
            make: As for ``primary``.
        """
        self.learn_what_the_database_is(make)
        return self.databases.empty()

    def learn_what_the_database_is(self, make: Callable[[], object]) -> None:
        """Have the application made, if neither an engine of its module nor a setting has told."""
        self._application.look()
        if not self.databases.knows_the_application and self.environment.backend() is None:
            make()
        self._note_drivers()

    def _prepare(self, request: EngineRequest) -> None:
        """Import the application first: a test's own engine may be used before, and be for a database of its."""
        if self.settings.mode != "on" or not self._mappings.are_watched:
            return
        if self.databases.is_of_a_test(request) and not self._application.is_loading:
            self._application.look()
            self._note_drivers()

    def _names(self, url: URL, folder: str) -> bool:
        """Whether an engine or a setting of the project's names a file."""
        from hermetic.database import backends
        from hermetic.database.address import address_of

        if self.databases.is_named(url, folder):
            return True
        backend, address = backends.of(url), address_of(url, folder)
        if any(backend.is_named_in(each, address, str(self.root)) for each in self.environment.texts()):
            self.databases.declare(url, folder)  # whoever opens it first: it is the application's
            return True
        return False

    def _destination(self, request: EngineRequest) -> Destination:
        """Say where an engine's connections go; in mode ``observe``, where they would go with another URL given."""
        given = self.environment.given(request.url) if self.settings.mode == "observe" else None
        sent = request if given is None or given.url is None else replace(request, url=given.url)
        destination = self.databases.resolve(sent)
        if EngineResolved in listeners:
            emit(_resolved(request, destination, "" if given is None else str(given)))
        return destination

    # -- the application

    def _before_import(self) -> None:
        if self.settings.mode == "on" and self.settings.named_backend is not None:
            self.databases.begin()  # while the application is being imported, which takes longer

    def application(self) -> Any:
        """Import the application (once), make it, and return it; None when no ``hermetic_app`` is set.

        Raises:
            ConfigurationError: It does not import, cannot be made, or is no application; or several things could make
                the tables of its database.
        """
        found = self._application.get()
        if found is not None:
            self.filling.require()
        self._note_drivers()
        return found

    def note_application_of_the_suite(self) -> None:
        """A fixture of the suite's makes what ours would hand out."""
        self._application.is_the_suites = True

    def _note_drivers(self) -> None:
        """The application may have brought a driver that hermetic does not see."""
        if self._url_is_handed_out and self._mappings.are_watched:
            self._prepare_for_raw_drivers()

    # -- a test

    def begin_test(self, boundary: Hashable, owner: Owner) -> None:
        """Bring the baseline back, unless the test shares its isolation with the one before.

        Args:
            boundary: What the isolation is counted by: equal to the last test's, nothing is restored.
            owner: The test.

        Raises:
            RestoreError: Something that outlives the last test blocks it.
        """
        self._watch.install()
        if not self._mappings.are_watched:
            self._begin_first_test()
        if self._url_is_handed_out:
            self._prepare_for_raw_drivers()
        if self._test_is_open:
            self.leaks.end(lambda each: True)  # of a test whose set-up failed: it failed by name already
        self._test_is_open = True
        if boundary is NEVER or boundary != self._boundary:
            self._end_background(self.settings.background)
            self.restore()
        self._boundary = boundary
        if TestBegan in listeners:
            emit(TestBegan(owner))

    def _prepare_for_raw_drivers(self) -> None:
        """Whoever was handed the URL may use it with a driver that hermetic does not see: then it must be there."""
        from hermetic.database import backends

        drivers = backends.get(self.databases.primary_backend).driver_modules
        if not any(driver in sys.modules for driver in drivers):
            return
        self._url_is_handed_out = False
        try:
            self.primary()
        except BaseException:
            self._url_is_handed_out = True  # the next test is told too
            raise

    def prepare_start_up(self) -> None:
        """Build what an application's start-up makes before that is started: else it would run inside itself.

        A build runs start-up and shutdown once. Begun by the first connection of a start-up, it would leave the
        application's globals as its own shutdown left them: a pool that is closed.
        """
        if self.settings.mode != "on" or not self._mappings.are_watched or self.databases.is_primary_built:
            return
        if self._application.is_unmade or not _opens_by_hand():
            return
        if self.filling.is_made_by_a_start_up():
            with suppress(ConfigurationError):  # the first connection says it, if there is one
                self.primary()

    def import_drivers(self) -> None:
        """Import what cannot be imported once a test has stopped the clock."""
        from hermetic.database import backends

        if datetime.date.__module__ == "datetime":
            for backend in backends.every():
                backend.import_before_the_clock_stops()

    def _begin_first_test(self) -> None:
        """What imports and collection wrote is there for all tests: it belongs to the baseline."""
        self._mappings.watch()
        if self.settings.mode == "on":
            self._identities.append(IdentityGuard(self.installation.identities))
            self.databases.settle()

    def end_test(
        self,
        *,
        restore: bool,
        ending: frozenset[str],
        background: BackgroundMode = "wait",
        left: Callable[[list[Leaked]], None] = lambda leaks: None,
    ) -> None:
        """Undo what the test changed, and end what it left open.

        Args:
            restore: Bring the databases' baseline back now, before wider fixtures end, rather than at the next test.
            ending: The scopes that end with this test; lifespans of these scopes are stopped.
            background: What becomes of tasks that it left running.
            left: Called with what it left open once that is ended, before anything is undone.

        Raises:
            BaseException: What failed of this, an application's shutdown perhaps; all else is done.
        """
        leaks: list[Leaked] = []
        with every_step() as step:
            self.ending = ending
            with step:
                self.closer.close_idle()
            self.ending = frozenset({"function"})
            if restore:
                with step:
                    self._end_background(background)
            with step:
                leaks += self.leaks.end(lambda each: restore or each.task is None)
            with step:
                self._note_background(background)
            if Leaked in listeners:
                for leak in leaks:
                    emit(leak)
            with step:
                left(leaks)
            with step:
                self.databases.drop_empty()
            self._test_is_open = False
            with step:
                self._mappings.undo()
            if restore and self._is_on:
                with step:
                    self.restore()
            if TestEnded in listeners:
                with step:
                    emit(TestEnded(owners.current()))

    def _end_background(self, background: BackgroundMode) -> None:
        if self._is_on:
            self.background.end_test(background)

    def _note_background(self, background: BackgroundMode) -> None:
        left = self.background.take_left() if self._is_on else self.background.running(ends_with_a_test)
        if TaskLeft in listeners:
            for each in left:
                emit(each)
        if left and self._is_on and background == "error":
            raise background_error(left)

    def keep(self) -> None:
        """Keep the databases as a failed test left them, and tell of it."""
        from hermetic.guards.keeping import keep

        test = owners.current()
        message = keep(self._all_databases(), test.name, self.root)
        if DatabaseKept in listeners:
            emit(DatabaseKept(test, message))

    async def restore_in_loop(self) -> None:
        """Bring every worker database back, as ``restore`` does, while the running loop can turn."""
        if await self.quiet.let_finish_here():
            self.restore()
            return
        with every_step() as step:
            with step:
                await tasks.beside_the_loop(self._restore_rows)
            with step:
                self._restore_identities()

    def restore(self) -> None:
        """Bring every worker database back to its baseline, and with it what living Sessions hold.

        Raises:
            RestoreError: Something that outlives the test blocks it; a group where that is so of several databases.
        """
        with every_step() as step:
            with step:
                self._restore_rows()
            with step:
                self._restore_identities()

    def _restore_rows(self) -> None:
        if self._is_on:
            self.quiet.let_finish()
        with every_step() as step:
            with step:
                self.databases.release()
            for database in self._all_databases():
                with step:
                    began = now()
                    is_changed = database.restore()
                    if Restored in listeners:
                        emit(Restored(database.name, is_changed, now() - began))
                    if is_changed:
                        self._rows_went_back = True
                        self._note_written(database)
            with step:
                self.databases.undo()

    def conclude(self) -> None:
        """Tell what is known only at the end, before databases and servers go."""
        self.filling.end()
        if DatabaseUsed in listeners:
            for address in self.databases.used:
                emit(DatabaseUsed(str(address), is_written=False))
        if DatabaseNamed in listeners:
            for address in self.databases.opened:
                emit(DatabaseNamed(address.backend, address.name))
        if ServerUsed in listeners:
            emit(ServerUsed(tuple(self._facts_of_servers())))

    def _facts_of_servers(self) -> list[str]:
        from hermetic.database import backends

        made = self.servers.made()
        return [
            line for name, each in made for line in backends.get(name).facts(each, self.settings, self.root)
        ]

    def _note_written(self, database: WorkerDatabase) -> None:
        if DatabaseUsed in listeners:
            for address in self.databases.addresses_of(database):
                emit(DatabaseUsed(str(address), is_written=True))

    def _restore_identities(self) -> None:
        """In the thread of the tests, whose Sessions they are."""
        went_back, self._rows_went_back = self._rows_went_back, False
        for guard in self._identities:
            if went_back or guard.has_unflushed():
                guard.restore()
                self._note_busy_sessions(guard)

    def _note_busy_sessions(self, guard: IdentityGuard) -> None:
        if Noted in listeners:
            for name in guard.at_work():
                emit(Noted(f"{name}, while rows were put back: what it holds was left as it was"))

    def _all_databases(self) -> list[WorkerDatabase]:
        return self.databases.all() if self.settings.mode == "on" else []


def _resolved(request: EngineRequest, destination: Destination, given: str) -> EngineResolved:
    from hermetic.database.address import is_in_memory
    from hermetic.database.engines.destinations import Itself, LeftAlone, masked
    from hermetic.database.refusal import Refusal

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
    )
