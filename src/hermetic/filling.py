"""Fill the application's databases: each when it is first connected to, by what makes the tables and the first rows.

A suite may build its applications itself, and make their tables in its fixtures or by their start-ups. Hermetic fills
nothing over that, and has no opinion where it cannot know: there a database starts empty, as it does elsewhere. Only
a test that asks for hermetic's own fixtures is told then what is lacking.

To make forty tables on PostgreSQL and to drop them again takes a third of a second, in every test whose application
makes them at its start-up. So the first start-up that does is taken for what fills the database, if it made tables and
no rows: then the next one finds them, as it would in a database that nobody restores. Rows may be of that one test's
own settings; they go with it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from hermetic.code import is_importing
from hermetic.contents import Contents
from hermetic.database.templates import Unfilled
from hermetic.errors import ConfigurationError, DatabaseNotFilled, HermeticError, RestoreError
from hermetic.events import emit, listeners
from hermetic.events.lifecycle import ContentsFound, FillingBegan, FillingEnded, Noted
from hermetic.loading import Application
from hermetic.settings import Settings

if TYPE_CHECKING:
    from hermetic.database.backend import Address
    from hermetic.database.protocols import WorkerDatabase
    from hermetic.database.registry import Databases

UNDEFINED_TABLE = "42P01"
"""The code of SQL."""


class Left(Enum):
    """How a database is left to the suite."""

    AS_YET = auto()
    """It is asked again whether it is still empty: hermetic fills it then, if no application is up."""

    FOR_GOOD = auto()
    """What would have filled it failed: only a start-up may."""

    FILLED = auto()
    """A start-up has filled it, for all tests."""


class LeftDatabases:
    """The databases whose tables the suite makes, and the start-ups that come to them.

    Args:
        is_up: Whether an application is up that somebody has started, hermetic or the suite.
        may_start_empty: Whether the application makes a database's tables anew whenever it starts.

    Attributes:
        lacking: Why a table may be missing; None where nobody need be told.
    """

    def __init__(self, is_up: Callable[[], bool], may_start_empty: Callable[[WorkerDatabase], bool]) -> None:
        self.lacking: HermeticError | None = None
        self._is_up = is_up
        self._may_start_empty = may_start_empty
        self._how: WeakKeyDictionary[WorkerDatabase, Left] = WeakKeyDictionary()
        self._untouched: WeakSet[WorkerDatabase] = WeakSet()

    def add(self, database: WorkerDatabase, lacking: HermeticError, *, for_good: bool) -> None:
        """Leave a database to the suite; what a test is told that misses a table is the first reason."""
        self._how[database] = Left.FOR_GOOD if for_good else self._how.get(database, Left.AS_YET)
        self.lacking = self.lacking or lacking
        self.is_with_the_suite(database)

    def is_with_the_suite(self, database: WorkerDatabase) -> bool:
        """Whether the suite makes what is in it; note what nobody has touched when a start-up comes to it."""
        how = self._how.get(database)
        if how is None:
            return False
        is_up = self._is_up()
        if how is Left.FILLED or (how is Left.FOR_GOOD and not is_up):
            return True
        is_pristine = database.is_pristine
        if is_pristine and is_up:
            self._untouched.add(database)
        return is_up or not is_pristine

    def begin_start_up(self) -> None:
        """An application is about to be started, by whomever."""
        self._untouched.clear()

    def end_start_up(self) -> None:
        """What an application's start-up has made where nothing was is there for all tests, if it is tables alone."""
        for database in list(self._untouched):
            if not database.is_schema_alone or self._may_start_empty(database):
                continue
            with suppress(RestoreError):  # somebody has come to it meanwhile
                database.mark_baseline()
                self._how[database] = Left.FILLED
                self.lacking = None
        self._untouched.clear()

    @property
    def is_waiting_for_a_start_up(self) -> bool:
        """Whether a start-up that is under way has come to a database which nobody else has touched."""
        return bool(self._untouched)


class Filling:
    """Fills the application's databases.

    Args:
        settings: The project's.
        root: The project's folder.
        application: The application, which may be what makes the tables.
        databases: Returns the databases of the run.
        is_up: Whether an application is up that somebody has started, hermetic or the suite.

    Attributes:
        left: The databases that are left to the suite.
    """

    def __init__(
        self,
        settings: Settings,
        root: Path,
        application: Application,
        databases: Callable[[], Databases],
        is_up: Callable[[], bool],
    ) -> None:
        self._contents_used: Contents | None = None
        self._tables: dict[str, frozenset[str]] = {}
        self._settings = settings
        self._root = root
        self._application = application
        self._databases = databases
        self._is_up = is_up
        self._is_required = False
        self._failure: HermeticError | None = None
        self._unnamed: HermeticError | None = None
        self.left = LeftDatabases(is_up, lambda database: self._databases().may_start_empty(database))

    def build(self, database: WorkerDatabase) -> Unfilled | None:
        """Make the tables and the first rows.

        Returns:
            Why they are not made now; None where they are.

        Raises:
            ConfigurationError: They cannot be made; what failed is not tried again for each of a thousand tests.
        """
        if self.left.is_with_the_suite(database):
            return Unfilled.LEFT
        if self._application.is_loading:
            return Unfilled.LATER
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        try:
            return self._build(database)
        except HermeticError as error:
            self._failure = error
            raise

    def _build(self, database: WorkerDatabase) -> Unfilled | None:
        from hermetic.database.schema import SchemaNotNamed

        try:
            contents = self._contents(self._databases().addresses_of(database))
        except SchemaNotNamed as error:
            self._refuse_to_leave(database, error)
            return self._leave(database, error)
        if self._is_left_to_them(contents):
            return self._leave(database)
        if contents.are_made_by_a_start_up and is_importing(self._root):
            # Whoever imports it waits for this connection, and the start-up may wait for the import.
            return Unfilled.LATER
        self._databases().begin()
        try:
            with _told_of(database):
                note = database.fill(
                    lambda: contents.fingerprint(database),
                    lambda: self._databases().inventory.built(database, lambda: contents.build(database)),
                    contents.outdated,
                )
        except HermeticError as error:
            if not contents.are_all_made_by_a_start_up:
                raise
            with suppress(RestoreError):  # what the start-up has opened and not closed is in the way
                database.restore()
            return self._leave(database, error)
        if ContentsFound in listeners:
            emit(ContentsFound(tuple(contents.descriptions)))
        self._contents_used, self._tables = contents, contents.tables()
        if note and Noted in listeners:
            emit(Noted(note))
        return None

    def conclude(self) -> None:
        """Tell what is known only at the end of the run."""
        if Noted in listeners:
            for line in self._late_tables():
                emit(Noted(line))

    def _late_tables(self) -> Iterator[str]:
        """Say which tables came with an import after the databases were made."""
        now = self._contents_used.tables() if self._contents_used else {}
        for path, names in now.items():
            late = sorted(names - self._tables[path])
            if late:
                yield (
                    f"schema: {path} got {', '.join(late)} when the databases were made already, which lack it: import"
                    f" what defines it where {path.partition(':')[0]} is imported"
                )

    def _is_left_to_them(self, contents: Contents) -> bool:
        """Whether the suite's applications make the tables: one is up, or a factory would have to be called for it.

        A start-up inside another one would take away what both keep for the whole process, as Tortoise does.
        """
        if not contents.are_all_made_by_a_start_up or self._is_up():
            return contents.are_all_made_by_a_start_up
        is_asked_for = bool(self._settings.app) and (bool(self._settings.schema) or self._is_required)
        return self._application.is_unmade and (self._application.is_the_suites or not is_asked_for)

    def _refuse_to_leave(self, database: WorkerDatabase, error: HermeticError) -> None:
        """Say what is lacking to whoever asked for fixtures of ours, now or later."""
        if self._settings.seed:
            raise error
        if not self._databases().may_start_empty(database):
            if self._is_required:
                raise error
            self._unnamed = error

    def _leave(self, database: WorkerDatabase, error: HermeticError | None = None) -> Unfilled:
        """Leave a database to the suite; for good where something failed."""
        self.left.add(database, error or _not_called(), for_good=error is not None)
        if error is not None and Noted in listeners:
            what = error.what.partition("\n")[0].rstrip(".")
            emit(Noted(f"schema: {what}; databases of the application started empty"))
        return Unfilled.LEFT

    def explain(self, error: BaseException) -> HermeticError | None:
        """Return why a table is missing, where that is what an error says and hermetic has made none."""
        return self.left.lacking if _misses_a_table(error) else None

    def _contents(self, addresses: Collection[Address] | None = None) -> Contents:
        self._application.look()
        return Contents.find(self._settings, self._root, self._application_or_failure, addresses)

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


@contextmanager
def _told_of(database: WorkerDatabase) -> Iterator[None]:
    """Tell when a database is filled."""
    if FillingBegan in listeners:
        emit(FillingBegan(database.name))
    try:
        yield
    finally:
        if FillingEnded in listeners:
            emit(FillingEnded(database.name))


def _not_called() -> HermeticError:
    return DatabaseNotFilled(
        "The application's database started empty: the suite makes its applications itself.",
        why="Their start-up makes the tables, and hermetic has started none.",
        hints=("start the application in the test, or name what makes the tables: hermetic_schema",),
    )


def _misses_a_table(error: BaseException) -> bool:
    """Whether an error, or one that led to it, is a database's word that there is no such table."""
    here: BaseException | None = error
    while here is not None:
        code = getattr(here, "sqlstate", None) or getattr(here, "pgcode", None)
        if code == UNDEFINED_TABLE or str(here).startswith("no such table"):
            return True
        here = here.__cause__ or here.__context__
    return False
