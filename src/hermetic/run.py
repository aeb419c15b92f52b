"""One run of a test suite: its settings, its application, its databases, and what brings each test its baseline.

The pytest plugin translates pytest's objects into calls of this class and knows no more; nothing here knows pytest.
What happens when: ``start`` (before any conftest) sets the environment and contains the engines; the application is
imported and the first worker database built when something first asks for them; ``begin_test`` and ``end_test`` bracket
a test; ``checkpoints`` brackets the life of wider-scoped fixtures.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hermetic import application, owners
from hermetic.errors import HermeticError
from hermetic.guards.applications import ApplicationWatch, overriding_applications
from hermetic.guards.checkpoints import Checkpoints
from hermetic.guards.closing import Closer
from hermetic.guards.leaks import leak_message
from hermetic.guards.mapping import MappingGuard
from hermetic.guards.observations import Observations, ObservedEngine
from hermetic.settings import Settings

if TYPE_CHECKING:
    from hermetic.database.engines import Installation
    from hermetic.database.engines.destinations import Destination, EngineRequest
    from hermetic.database.protocols import WorkerDatabase
    from hermetic.database.registry import Databases

RUNNERS_OWN = frozenset({"PYTEST_CURRENT_TEST", "PYTEST_VERSION", "PYTEST_XDIST_WORKER"})
NEVER: Hashable = object()


class Run:
    """The state of one run.

    Args:
        settings: What the project asked for; its mode is ``observe`` or ``on``.
        root: The project's folder.
        temporary: Folders whose database files are a test's own business.
    """

    def __init__(self, settings: Settings, *, root: Path, temporary: tuple[Path, ...]) -> None:
        self.settings = settings
        self.root = root
        self.closer = Closer()
        self._temporary = temporary
        self._watch = ApplicationWatch()
        self._environment_before: dict[str, str] | None = None
        self._mappings: list[MappingGuard[Any, Any]] | None = None
        self.checkpoints = Checkpoints(self._all_databases, self._guards)
        self._boundary: Hashable = NEVER
        self._installation: Installation | None = None
        self._test_is_open = False
        self._application_lock = threading.RLock()
        self._broken: dict[str, HermeticError] = {}
        self.schema_used: tuple[str, ...] = ()
        self.ending: frozenset[str] = frozenset({"function"})
        self.observations = Observations()

    # -- the run

    def start(self) -> None:
        """Contain the process's engines and set the environment, before anything of the project is imported."""
        from hermetic.database.engines import install

        databases = self.databases
        environment = self._environment() if self.settings.mode == "on" else {}
        self._environment_before = dict(os.environ)
        os.environ.update(environment)
        self._installation = install(
            self._destination, mode="on" if self.settings.mode == "on" else "observe"
        )
        databases.learn_from(self._installation.unused)

    def _environment(self) -> dict[str, str]:
        return {
            name: value.replace("{url}", self.url) if "{url}" in value else value
            for name, value in self.settings.env
        }

    def stop(self) -> None:
        """Leave nothing behind: databases, connections, patches, environment."""
        self.closer.close_idle()
        self._watch.uninstall()
        if self._installation is not None:
            self._installation.uninstall()
            self.databases.stop()
        if self._environment_before is not None:
            os.environ.clear()
            os.environ.update(self._environment_before)

    @property
    def installation(self) -> Installation:
        """The engines' containment; there from ``start`` on."""
        assert self._installation is not None, "the run has not been started"
        return self._installation

    @cached_property
    def databases(self) -> Databases:
        """The worker databases of this process."""
        from hermetic.database.redirect import Redirect
        from hermetic.database.registry import Databases
        from hermetic.database.servers.sqlite import SqliteServer

        directory = self.settings.directory
        return Databases(
            SqliteServer(directory=self.root / directory if directory else None),
            Redirect.parse(
                allow=self.settings.allow,
                aliases=self.settings.targets,
                temporary=self._temporary,
                root=self.root,
            ),
            build=self._build,
            created=self.checkpoints.note_created,
        )

    @property
    def url(self) -> str:
        """The URL of the application's worker database, with the async driver."""
        from hermetic.database.schema.call import async_url

        return async_url(self.databases.primary_url).render_as_string(hide_password=False)

    def _destination(self, request: EngineRequest) -> Destination:
        """Say where an engine goes; a test's own may be used before the application is imported."""
        from hermetic.database.engines.destinations import masked

        tests_have_begun = self._mappings is not None
        if self.settings.mode == "on" and tests_have_begun and self.databases.is_of_a_test(request):
            self.application()
        destination = self.databases.resolve(request)
        if self.settings.mode == "observe":
            made_at = str(request.created.location) if request.created else ""
            self.observations.note_engine(ObservedEngine(masked(request.url), made_at, str(destination)))
        return destination

    # -- the application

    @cached_property
    def _application(self) -> Any:
        if self.settings.app is None:
            return None
        with self._failing_once("application"):
            found = application.load(self.settings.app)
        self._guard_overrides([found] if hasattr(found, "dependency_overrides") else [])
        return found

    def application(self) -> Any:
        """Import the application (once) and return it; None when no ``hermetic_app`` is set.

        Raises:
            ConfigurationError: It does not import, or is no application.
        """
        with self._application_lock:
            found = self._application
        self._watch.install()
        return found

    @contextmanager
    def _failing_once(self, what: str) -> Iterator[None]:
        """What failed is not tried again for each of a thousand tests: they all get the first error."""
        if what in self._broken:
            raise self._broken[what].with_traceback(None)
        try:
            yield
        except HermeticError as error:
            self._broken[what] = error
            raise

    def _build(self, database: WorkerDatabase) -> bool:
        """Make the tables and the seed rows; False while the application is still being imported."""
        if self._is_importing_application():
            return False
        with self._failing_once("build"):
            self._build_schema_and_seeds(database)
        return True

    def _build_schema_and_seeds(self, database: WorkerDatabase) -> None:
        from hermetic.database.schema import schemas
        from hermetic.database.schema.call import call

        package = self.settings.app.partition(":")[0].partition(".")[0] if self.settings.app else None
        self.application()
        found = schemas(
            self.settings.schema, root=self.root, package=package, run_lifespan=self._run_lifespan
        )
        place = str(database.url.database)
        for schema in found:
            with application.built_by("hermetic_schema", schema.description, place=place):
                schema.build(database)
        for seed in self.settings.seed:
            function = application.resolve(seed, key="hermetic_seed")
            with application.built_by("hermetic_seed", seed, place=place):
                call(function, database, key="hermetic_seed")
        self.schema_used = tuple(schema.description for schema in found)

    def _is_importing_application(self) -> bool:
        module = sys.modules.get((self.settings.app or "").partition(":")[0])
        return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))

    def _run_lifespan(self) -> None:
        from hermetic.client import Lifespan
        from hermetic.database.schema.call import in_thread

        app = self.application()
        if app is None:
            return

        async def start_and_stop() -> None:
            lifespan = Lifespan(app)
            await lifespan.start()
            await lifespan.stop()

        in_thread(lambda: asyncio.run(start_and_stop()))

    # -- a test

    def begin_test(self, boundary: Hashable) -> None:
        """Bring the baseline back, unless the test shares its isolation with the one before.

        Args:
            boundary: What the isolation is counted by: equal to the last test's, nothing is restored.

        Raises:
            RestoreError: Something that outlives the last test blocks it.
        """
        self._watch.install()
        if self._mappings is None:
            self._begin_first_test()
        if self._test_is_open:
            self._end_leaks()  # of a test whose set-up failed: it failed by name already
        self._test_is_open = True
        if boundary is NEVER or boundary != self._boundary:
            self.restore()
        self._boundary = boundary

    def _begin_first_test(self) -> None:
        """What imports and collection wrote is there for all tests: it belongs to the baseline."""
        self._mappings = [MappingGuard(os.environ, ignore=RUNNERS_OWN)]
        self._guard_overrides(overriding_applications())
        if self.settings.mode == "on":
            self.databases.settle()

    def _guard_overrides(self, applications: list[Any]) -> None:
        """Watch the overrides of applications, from the first test on: what modules set before is for all tests."""
        if self._mappings is None:
            return
        for app in applications:
            if all(guard.mapping is not app.dependency_overrides for guard in self._mappings):
                guard: MappingGuard[Any, Any] = MappingGuard(app.dependency_overrides)
                self._mappings.append(guard)
                self.checkpoints.note_guard(guard)

    def end_test(self, *, restore: bool, ending: frozenset[str]) -> list[str]:
        """Undo what the test changed, and end what it left open.

        Args:
            restore: Bring the databases' baseline back now, before wider fixtures end, rather than at the next test.
            ending: The scopes that end with this test; lifespans of these scopes are stopped.

        Returns:
            What it left open, a message each.
        """
        self.ending = ending
        try:
            self.closer.close_idle()
        finally:
            self.ending = frozenset({"function"})
        problems = self._end_leaks()
        self._test_is_open = False
        if self.settings.mode == "on":
            self.observations.note_overrides(owners.current().name, self._guards())
            for guard in self._guards():
                guard.restore()
            if restore:
                self.restore()
        return problems

    def restore(self) -> None:
        """Bring every worker database back to its baseline.

        Raises:
            RestoreError: Something that outlives the test blocks it.
        """
        for database in self._all_databases():
            database.restore()

    def blocked(self) -> list[HermeticError]:
        """Return, and forget, the errors of requests that waited for a lock of their own test."""
        found: list[HermeticError] = []
        for database in self._all_databases():
            found.extend(database.blocked)
            database.blocked.clear()
        return found

    def _end_leaks(self) -> list[str]:
        leaks = [each for each in self.installation.checked_out() if each.checkout.owner.is_test_level]
        abandoned = [each for each in self.installation.take_abandoned() if each.owner.is_test_level]
        left = [*abandoned, *(leak.checkout for leak in leaks)]
        messages = [leak_message(checkout) for checkout in left if checkout.owner.accountable]
        if self.settings.mode == "on":
            for database in self._all_databases():
                database.end_open_work(of=[leak.checkout.owner for leak in leaks])
            for leak in leaks:
                leak.end_now()
        return messages

    def _all_databases(self) -> list[WorkerDatabase]:
        return self.databases.all() if self.settings.mode == "on" else []

    def _guards(self) -> list[MappingGuard[Any, Any]]:
        return self._mappings or []
