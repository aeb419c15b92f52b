"""Provide whoever asks with the application and its databases, and have them there before it is too late to ask.

An engine connects when it is used, and the database is made then. What opens its connections by a driver says nothing
before: a URL that was handed out must lead somewhere, and a start-up that would run inside itself must have run before.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hermetic.environment import Environment
from hermetic.errors import ConfigurationError
from hermetic.filling import Filling
from hermetic.loading import Application
from hermetic.settings import Settings

if TYPE_CHECKING:
    from hermetic.database.protocols import WorkerDatabase
    from hermetic.database.registry import Databases

ORMS = {"tortoise", "piccolo", "databases", "edgy", "ormar"}
"""What imports its driver only when it connects."""


class Provider:
    """Provides the application of a run, and its databases.

    Args:
        settings: The project's.
        environment: What ``hermetic_env`` sets.
        application: The application.
        filling: Fills its databases.
        databases: Returns the databases of the run.

    Attributes:
        has_tests: Whether the first test has begun: what is asked for before is not made ahead.
    """

    def __init__(
        self,
        settings: Settings,
        environment: Environment,
        application: Application,
        filling: Filling,
        databases: Callable[[], Databases],
    ) -> None:
        self.has_tests = False
        self._is_on = settings.mode == "on"
        self._environment = environment
        self._application = application
        self._filling = filling
        self._databases = databases
        self._url_is_handed_out = self._is_on and environment.hands_out_the_url

    # -- for fixtures

    def application(self) -> Any:
        """Import the application (once), make it, and return it; None when no ``hermetic_app`` is set.

        Raises:
            ConfigurationError: It does not import, cannot be made, or is no application; or several things could make
                the tables of its database.
        """
        found = self._application.get()
        if found is not None:
            self._filling.require()
        self.look_for_drivers()
        return found

    def note_application_of_the_suite(self) -> None:
        """A fixture of the suite's makes what ours would hand out."""
        self._application.is_the_suites = True

    def primary(self, make: Callable[[], object] = lambda: None) -> WorkerDatabase:
        """Return the application's database, ready; its engines, or the settings, say what it is.

        Args:
            make: Makes the application, where nothing else has told; what it raises is raised here.

        Raises:
            ConfigurationError: Schema or seed rows cannot be made.
        """
        self.learn_what_the_database_is(make)
        self._filling.require()
        return self._databases().primary()

    def empty_database(self, make: Callable[[], object] = lambda: None) -> WorkerDatabase:
        """Return an empty database of the application's kind, which is dropped when the test ends.

        Args:
            make: As for ``primary``.
        """
        self.learn_what_the_database_is(make)
        return self._databases().empty()

    def learn_what_the_database_is(self, make: Callable[[], object]) -> None:
        """Have the application made, if neither an engine of its module nor a setting has told."""
        self._application.look()
        if not self._databases().knows_the_application and self._environment.backend() is None:
            make()
        self.look_for_drivers()

    # -- ahead of whoever cannot ask

    def prepare(self) -> None:
        """Import the application before it is decided where a test's own engine goes."""
        if self._is_on and self.has_tests and not self._application.is_loading:
            self._application.look()
            self.look_for_drivers()

    def look_for_drivers(self) -> None:
        """Whoever was handed the URL may use it with a driver that hermetic does not see: then it must be there."""
        if not (self._url_is_handed_out and self.has_tests):
            return
        from hermetic.database.backend import get_backend

        drivers = get_backend(self._databases().primary_backend).driver_modules
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
        if not (self._is_on and self.has_tests) or self._databases().is_primary_built:
            return
        if self._application.is_unmade or not _opens_by_hand():
            return
        if self._filling.is_made_by_a_start_up():
            with suppress(ConfigurationError):  # the first connection says it, if there is one
                self.primary()

    def import_drivers(self) -> None:
        """Import what cannot be imported once a test has stopped the clock."""
        from hermetic.database.backend import every_backend

        if datetime.date.__module__ == "datetime":
            for backend in every_backend():
                backend.import_before_the_clock_stops()


def _opens_by_hand() -> bool:
    """Whether something is imported that opens connections which are no engine's."""
    from hermetic.database.backend import every_backend

    drivers = {driver for backend in every_backend() for driver in backend.driver_modules}
    return not sys.modules.keys().isdisjoint(drivers - sys.stdlib_module_names | ORMS)
