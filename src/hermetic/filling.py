"""Fill the application's databases: each when it is first connected to, by what makes the tables and the first rows.

A suite may build its applications itself, and make their tables in its fixtures or by their start-ups. Hermetic fills
nothing over that, and has no opinion where it cannot know: there a database starts empty, as it does elsewhere. Only
a test that asks for hermetic's own fixtures is told then what is lacking, and a test that fails for want of a table.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from hermetic.contents import Contents
from hermetic.errors import ConfigurationError, HermeticError
from hermetic.loading import Application
from hermetic.settings import Settings

if TYPE_CHECKING:
    from hermetic.database.protocols import WorkerDatabase
    from hermetic.database.registry import Databases


class Filling:
    """Fills the application's databases.

    Args:
        settings: The project's.
        root: The project's folder.
        application: The application, which may be what makes the tables.
        databases: Returns the databases of the run.
        is_up: Whether an application is up that somebody has started, hermetic or the suite.

    Attributes:
        used: What made the tables, for people.
        notes: What there is to say of it at the end of the run.
    """

    def __init__(
        self,
        settings: Settings,
        root: Path,
        application: Application,
        databases: Callable[[], Databases],
        is_up: Callable[[], bool],
    ) -> None:
        self.used: tuple[str, ...] = ()
        self.notes: list[str] = []
        self._settings = settings
        self._root = root
        self._application = application
        self._databases = databases
        self._is_up = is_up
        self._is_required = False
        self._failure: HermeticError | None = None
        self._unnamed: HermeticError | None = None
        self._left: WeakSet[WorkerDatabase] = WeakSet()

    def build(self, database: WorkerDatabase) -> bool:
        """Make the tables and the first rows.

        Returns:
            False where that is not the time: the application is being imported, or the suite makes its applications
            itself, whose start-up makes the tables.

        Raises:
            ConfigurationError: They cannot be made; what failed is not tried again for each of a thousand tests.
        """
        if self._application.is_loading or self._is_theirs(database):
            return False
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        try:
            return self._build(database)
        except HermeticError as error:
            self._failure = error
            raise

    def _build(self, database: WorkerDatabase) -> bool:
        from hermetic.database.schema import SchemaNotNamed

        try:
            contents = self._contents()
        except SchemaNotNamed as error:
            self._leave_unnamed(database, error)
            return True
        if self._is_left_to_them(contents):
            self._left.add(database)
            return False
        self._databases().begin()
        try:
            note = database.fill(lambda: contents.fingerprint(database), lambda: contents.build(database))
        except HermeticError as error:
            if not contents.are_all_made_by_a_start_up:
                raise
            self._pass_over(error)
            return True
        self.used = contents.descriptions
        if note:
            self.notes.append(note)
        return True

    def _is_theirs(self, database: WorkerDatabase) -> bool:
        """Whether an application of the suite's makes the tables, or somebody has made some that are still there."""
        return database in self._left and (self._is_up() or not database.is_pristine)

    def _is_left_to_them(self, contents: Contents) -> bool:
        """Whether a factory would have to be called for tables which the suite's own applications make."""
        if not (contents.are_all_made_by_a_start_up and self._application.is_uncalled):
            return False
        return self._is_up() or not (self._settings.schema or self._is_required)

    def _leave_unnamed(self, database: WorkerDatabase, error: HermeticError) -> None:
        if self._settings.seed:
            raise error
        if not self._databases().may_start_empty(database):
            if self._is_required:
                raise error
            self._unnamed = error
        self._pass_over(error)

    def _pass_over(self, error: HermeticError) -> None:
        note = f"schema: {error.what} Databases of the application started empty"
        if note not in self.notes:
            self.notes.append(note)

    def _contents(self) -> Contents:
        self._application.look()
        return Contents.find(self._settings, self._root, self._application_or_failure)

    def _application_or_failure(self) -> Any:
        found = self._application.ask()
        if self._application.failure is not None:
            raise self._application.failure.with_traceback(None)
        return found

    def is_made_by_a_start_up(self) -> bool:
        """Whether the application's own start-up makes the tables; False where that cannot be told, either."""
        with suppress(ConfigurationError):  # the first connection says it, if there is one
            return self._contents().are_made_by_a_start_up
        return False

    def require(self) -> None:
        """Say that fixtures of ours hand the application's databases out, whose tables nobody else may make.

        Raises:
            SchemaNotNamed: A database started empty, since several things could make its tables.
        """
        self._is_required = True
        if self._unnamed is not None:
            raise self._unnamed.with_traceback(None)
