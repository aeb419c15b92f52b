"""Backends: what a kind of database brings, and the table of those that there are.

A few things each has to say itself, groups of others it may leave as they are here. A backend is an instance of a class
of ``Backend``, and all that is known of its kind lies in its folder below ``backends``. Whoever needs one looks it up
here, by the name that its URLs have: its module is imported then, which has it as ``BACKEND``, and is light: names,
drivers and texts. SQLAlchemy, a driver, and the rest of its folder are imported by its methods, when they are called.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy.engine import Dialect
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from hermetic.database.driver_seams import Put
    from hermetic.database.protocols import Server, Wait, WorkerDatabase
    from hermetic.database.stored import Project, Running, Serving, Stored
    from hermetic.settings import Settings


class Address(NamedTuple):
    """One database, in a form that can be compared; see ``hermetic.database.address``.

    Attributes:
        backend: Its kind: the name of the backend, where hermetic has one.
        name: The database's name; a file's absolute path; for one in memory ``:memory:`` or the shared name.
        host: The server's host (or socket folder), ``localhost`` for this machine; empty where there is no server.
        port: The server's port; 0 for the one that servers of this kind have by default, and where there is none.
        in_memory: Whether neither a file nor a server holds it.
        shared: Whether connections of the whole process reach one in memory by its name; else it is its engine's own.
    """

    backend: str
    name: str
    host: str = ""
    port: int = 0
    in_memory: bool = False
    shared: bool = False

    def __str__(self) -> str:
        """Return a URL that means it, without driver and user."""
        from sqlalchemy import URL

        url = URL.create(self.backend, host=self.host or None, port=self.port or None, database=self.name)
        return url.render_as_string()


class Making(NamedTuple):
    """What a process of a run has, of which a server is made.

    Attributes:
        settings: The project's.
        root: The project's folder.
        directory: Where databases are to lie, if the project says so.
        worker: Which process of the run this is: ``main``, or the xdist worker's name.
        wait: Does what waits for the locks of the application.
        replace: Tells the pools which of a database's connections are gone; all of them where None.
        may_export: Whether a statement may write a copy of a database to where a URL leads.
    """

    settings: Settings
    root: Path
    directory: Path | None
    worker: str
    wait: Wait
    replace: Callable[[WorkerDatabase, Sequence[DBAPIConnection] | None], None]
    may_export: Callable[[URL], bool]


class Code(NamedTuple):
    """What the code of projects calls a kind of database; see ``hermetic.source.databases.Kind``."""

    name: str
    others: tuple[str, ...]
    old: tuple[str, ...]
    asynchronous: Mapping[str, str]
    synchronous: Mapping[str, str]
    packages: frozenset[str]
    telling: frozenset[str]
    openings: frozenset[str]
    types: tuple[str, ...]
    words: tuple[str, ...]
    blocking: frozenset[str] = frozenset()
    async_since: tuple[int, ...] | None = None
    in_memory: frozenset[str] = frozenset()


class Shared(Protocol):
    """What a controller holds for the worker processes of its run."""

    def stop(self) -> None:
        """Let it go."""


class Texts:
    """What a backend is called, and what is said of it.

    Attributes:
        name: What its URLs are called, and ``hermetic_database``.
        title: What people call it.
        example: A URL, for messages.
        code: What the code of projects calls it.
        extra: What installs what it needs.
        tortoise_url: A URL as Tortoise has it, whose schemes are its own.
        in_memory: The URL of a database in memory; empty where it has none.
        has_schemas: Whether tables may be in schemas that have to be made first.
        keeps_time_zones: Whether a time that is stored with a time zone comes back with one.
        placeholders: What stands in ``hermetic_env`` for the URL of a run's own database, by the scheme that an
            application expects which opens connections by a driver itself; empty where any URL does.
    """

    name: str
    title: str
    example: str
    code: Code
    extra: str
    tortoise_url: str
    in_memory = ""
    has_schemas = False
    keeps_time_zones = True
    placeholders: Mapping[str, str] = {}

    def hints(self, error: BaseException) -> tuple[str, ...]:
        """Return what to do about an error of a build that is its own."""
        return ()


class Urls:
    """Which URL is for whom; by default there is one driver."""

    def async_url(self, url: URL) -> URL:
        """Return a URL with an async driver."""
        return url

    def sync_url(self, url: URL) -> URL:
        """Return a URL with the sync driver that hermetic itself uses."""
        return url

    def instead_of(self, asked: URL, ours: URL) -> URL:
        """Return the URL of a database for whoever was given another one: with that one's driver and options."""
        return ours.set(drivername=asked.drivername)

    def text(self, url: URL) -> str:
        """Return a URL as text that each of its drivers takes, its password included."""
        return url.render_as_string(hide_password=False)


class Drivers:
    """What a project may do past SQLAlchemy; by default nothing that has to be seen.

    Attributes:
        driver_modules: The modules of the drivers by which a project may open connections itself.
        libraries: The modules whose frames are a driver's, in a walk to the user's line.
        packages: What to install where a module is missing, by that module.
    """

    driver_modules: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    packages: Mapping[str, str] = {}

    def put_aside(self, environ: MutableMapping[str, str]) -> None:
        """Put variables of the environment aside that no connection of its drivers can be kept from."""

    def without(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return an environment without the variables of its drivers, for programs of hermetic's own."""
        return dict(environ)

    def import_before_the_clock_stops(self) -> None:
        """Import what cannot be imported under a patched ``datetime``, if this process will need it."""

    def seams(self) -> Mapping[str, Put]:
        """Return how each driver is watched, by the module whose import brings it."""
        return {}

    def abort(self, dialect: Dialect, connection: DBAPIConnection) -> None:
        """End a connection whose transport is bound to a loop that is dead; leave the others to be closed."""


class Files:
    """What concerns a backend whose databases are files, or in memory; by default none is."""

    def is_named_in(self, text: str, address: Address, folder: str) -> bool:
        """Whether a text, as a variable has it, names a database that is a file."""
        return False

    def openings(self) -> Mapping[str, Callable[[str], Exception]]:
        """Return the audit events by which a file is opened, and the error that refuses each, from why."""
        return {}

    def copy_file(self, address: Address, worker: URL) -> bool:
        """Copy a file over a worker database that was just made; return whether there was something to copy."""
        return False

    def close(self, connection: DBAPIConnection) -> None:
        """Close what lies below a connection in memory, from whatever thread."""


class ServerOfItsOwn:
    """What concerns a backend whose databases lie in a server; by default there is none.

    Attributes:
        port: On which its servers listen when nobody says; 0 where it has none.
        server_packages: What must be installed for a server of hermetic's own; empty where there is no server.
        can_serve: Whether kept databases need a server to be looked at, which ``serving`` starts.
    """

    port = 0
    server_packages: tuple[str, ...] = ()
    can_serve = False

    def share(self, settings: Settings, root: Path, directory: Path | None) -> Shared | None:
        """Hold a server for the worker processes that are about to be started, and tell them by the environment."""
        return None

    def announcement(self, settings: Settings, root: Path) -> list[str]:
        """Return the header's lines, where settings name this backend; nothing is started for them."""
        return []

    def facts(self, server: Server, settings: Settings, root: Path) -> list[str]:
        """Return the closing lines on a server that ``make_server`` made."""
        return []

    def running(self, project: Project) -> list[Running]:
        """Return this user's servers of runs that live now."""
        return []

    def serving(self, project: Project, port: int | None) -> Serving:
        """Return what serves kept databases, by a port of the loopback or by a socket; see ``can_serve``."""
        raise NotImplementedError(self)


class Backend(Texts, Urls, Drivers, Files, ServerOfItsOwn, ABC):
    """One kind of database: what each has to say itself."""

    @abstractmethod
    def make_server(self, making: Making) -> Server:
        """Return where this process makes its worker databases."""

    @abstractmethod
    def address(self, url: URL, folder: str | None) -> Address:
        """Return the database that a URL means; relative paths start in ``folder``."""

    @abstractmethod
    def planned_url(self, settings: Settings, folder: Path, name: str) -> URL:
        """Return the URL that a run's database would have, as far as that is known without a server.

        Args:
            settings: The run's.
            folder: The one in which its file, or the socket of its server, would be.
            name: What it is called.
        """

    @abstractmethod
    def reached(self, dialect: Dialect, connection: DBAPIConnection) -> URL | None:
        """Return the database that a connection of SQLAlchemy's is on; raises where it cannot be asked."""

    @abstractmethod
    def stored(self, project: Project) -> Stored:
        """Return what the runs of a project left."""

    @abstractmethod
    def clean(self, project: Project, *, everything: bool, dry_run: bool) -> Iterable[str]:
        """Remove kept databases, and with ``everything`` templates; return what was, or would be, removed."""


DEFAULT_BACKEND = "sqlite"
"""What the application's database is where nothing says it."""

_modules = {
    "postgresql": "hermetic.database.backends.postgresql",
    "postgres": "hermetic.database.backends.postgresql",
    "sqlite": "hermetic.database.backends.sqlite",
}
"""The module of each backend, by the names that its URLs may have."""


def register(name: str, module: str, *, also: Sequence[str] = ()) -> None:
    """Add a backend.

    Args:
        name: What its URLs are called: ``create_engine("NAME://...")``.
        module: The dotted name of the module that has it as ``BACKEND``; it is imported when it is first needed.
        also: Other names that its URLs may have.
    """
    _modules.update(dict.fromkeys((name, *also), module))


def find_backend(name: str) -> Backend | None:
    """Return the backend whose URLs may have this name; None where hermetic has none."""
    return get_backend(name) if name in _modules else None


def get_backend(name: str) -> Backend:
    """Return the backend of this name, which is one of hermetic's."""
    return _in(_modules[name])


def _in(module: str) -> Backend:
    return cast("Backend", import_module(module).BACKEND)


def backend_of(url: URL) -> Backend:
    """Return the backend of the URL of a worker database."""
    return get_backend(url.get_backend_name())


def backend_named_by(text: str | None) -> Backend | None:
    """Return the backend whose URL a text is."""
    return find_backend((text or "").partition("://")[0].partition("+")[0])


def every_backend() -> list[Backend]:
    """Return all that there are."""
    return [_in(module) for module in dict.fromkeys(_modules.values())]


def packages_by_module() -> dict[str, str]:
    """Return what to install where a module is missing, by that module; SQLAlchemy and migrations need some as well."""
    found = {"alembic": "alembic", "greenlet": "greenlet"}
    for each in every_backend():
        found.update(each.packages)
    return found
