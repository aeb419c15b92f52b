"""Where an engine of the test process may go: the rules, as plain data in and plain data out.

Containment: *a SQLAlchemy engine of the test process ends on a database that hermetic made, or is refused.* In this
order, the first that fits:

| an engine's URL                                                | goes to                                        |
| ---                                                            | ---                                            |
| one that ``hermetic_allow`` names                              | itself                                         |
| an alias (``hermetic_targets``)                                | the application database of what it stands for |
| that of a database which code under test made (CREATE DATABASE) | that database, on hermetic's server           |
| a worker database's own                                        | that worker database                           |
| one that the application is known to use                       | the application database of that target        |
| SQLite files under pytest's temporary folders                  | left alone                                     |
| in-memory SQLite, by a name that connections share             | one database for each name                     |
| in-memory SQLite, of an engine which the application made      | a database of the engine's own                 |
| in-memory SQLite, opened by a creator or pool of the engine's own | left alone                                  |
| other in-memory SQLite, where just one is the application's, and that is its primary database | that one        |
| other in-memory SQLite                                         | left alone                                     |
| that of an engine which the application made                   | an application database                        |
| another database of a backend that hermetic serves             | a fresh empty database, one for each URL       |
| any other                                                      | refused                                        |

A file under a temporary folder is a test's own, even where the application opens it: a test that made it and passed
it on wants to find it there. Only where its URL is declared ahead (``hermetic_env``) is it the application's.

A URL in memory that the environment gives is one database, however many engines are made of it: the row of what the
application is known to use. The first of the others that the application opens is its primary database, if it has none
yet (``memory.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from hermetic.code import Location, is_test_code
from hermetic.database.address import address_of, normal_path
from hermetic.database.backend import DEFAULT_BACKEND, Address, every_backend
from hermetic.database.engines.destinations import Creation, Itself, LeftAlone, Refusal
from hermetic.errors import InvalidSetting


@dataclass(frozen=True)
class ToApplication:
    """A database with the application's schema and seed rows, one for each address."""

    address: Address


@dataclass(frozen=True)
class ToWorker:
    """The worker database that lies at this address."""

    address: Address


@dataclass(frozen=True)
class ToNamed:
    """The database of this name that code under test made itself, on hermetic's server."""

    address: Address


@dataclass(frozen=True)
class ToMemory:
    """A database in memory that the application opens: one for each address, or (None) for this engine alone."""

    shared: Address | None


@dataclass(frozen=True)
class ToOnlyMemory:
    """The one database in memory that the application has."""


@dataclass(frozen=True)
class ToFresh:
    """An empty database, one for each address."""

    address: Address


Decision = (
    ToApplication | ToWorker | ToNamed | ToMemory | ToOnlyMemory | ToFresh | LeftAlone | Itself | Refusal
)


@dataclass(frozen=True)
class Known:
    """What has been learnt so far.

    Attributes:
        applications: The databases that the application is known to use. One in memory is known by its URL only where
            that was declared.
        workers: The worker databases that were made.
        served: The backends for which there is a server.
        named: Backend and name of the databases that code under test made itself.
        in_memory: How many databases in memory the application has now.
        primary_in_memory: Whether its primary database is one of those, and no test or fixture had it made.
    """

    applications: Collection[Address] = ()
    workers: Collection[Address] = ()
    served: Collection[str] = (DEFAULT_BACKEND,)
    named: Collection[tuple[str, str]] = ()
    in_memory: int = 0
    primary_in_memory: bool = False


@dataclass(frozen=True)
class Redirect:
    """The rules of one project. Made by ``Redirect.parse``.

    Attributes:
        allow: Databases that engines may really open.
        aliases: Databases that stand for another one, with that other one.
        temporary: Folders whose database files are a test's own business.
        root: The project's folder: only below it is code test code.
    """

    allow: tuple[Address, ...] = ()
    aliases: tuple[tuple[Address, Address], ...] = ()
    temporary: tuple[str, ...] = ()
    root: str = ""

    @classmethod
    def parse(
        cls,
        *,
        allow: Iterable[str] = (),
        aliases: Iterable[tuple[str, str]] = (),
        temporary: Iterable[Path] = (),
        root: Path | None = None,
    ) -> Redirect:
        """Read the rules from the project's settings.

        Args:
            allow: URLs, as ``hermetic_allow`` has them.
            aliases: Pairs of URLs, as ``hermetic_targets`` has them.
            temporary: Folders of temporary files.
            root: The project's folder, where relative paths start; the working directory where None.

        Raises:
            ConfigurationError: A URL cannot be read; the message shows it and the setting it is in.
        """
        folder = normal_path(str(root) if root else ".")

        def read(text: str, key: str) -> Address:
            return address_of(parse_url(text, key), folder)

        return cls(
            allow=tuple(read(text, "hermetic_allow") for text in allow),
            aliases=tuple(
                (read(alias, "hermetic_targets"), read(target, "hermetic_targets"))
                for alias, target in aliases
            ),
            temporary=tuple(normal_path(str(path)) for path in temporary),
            root=folder,
        )

    def destination(
        self,
        url: URL,
        *,
        is_application: bool,
        own_creator: bool = False,
        folder: str | None = None,
        known: Known | None = None,
        created: Creation | None = None,
    ) -> Decision:
        """Say where an engine goes.

        Args:
            url: The engine's URL.
            is_application: Whether the application made the engine.
            own_creator: Whether it opens connections by a creator or a pool of its own.
            folder: Where its relative path starts; the working directory where None.
            known: What has been learnt so far.
            created: Who made the engine, for an error.
        """
        known = known or Known()
        address = address_of(url, folder)
        if address in self.allow:
            return Itself("hermetic_allow names it")
        stands_for = dict(self.aliases).get(address)
        if stands_for is not None:
            return ToApplication(stands_for)
        if (address.backend, address.name) in known.named:
            return ToNamed(address)
        if address in known.workers:
            return ToWorker(address)
        if address in known.applications and address.backend in known.served:
            return ToApplication(address)
        if self.is_temporary(address):
            return LeftAlone("a file in pytest's temporary folder is the test's own")
        if address.backend not in known.served:
            return Refusal(url, created, f"hermetic has no {address.backend} server to make one on.")
        if address.in_memory:
            return _in_memory(address, is_application, own_creator, known)
        return ToApplication(address) if is_application else ToFresh(address)

    def names(self, address: Address) -> bool:
        """Whether a setting names a database."""
        return address in self.allow or any(address in pair for pair in self.aliases)

    def is_harmless(self, address: Address) -> bool:
        """Whether a connection may be on a database that hermetic did not make."""
        return address in self.allow or address.in_memory or self.is_temporary(address)

    def is_temporary(self, address: Address) -> bool:
        """Whether an address is a file under a temporary folder."""
        if address.in_memory or address.host:
            return False
        return any(Path(address.name).is_relative_to(folder) for folder in self.temporary)

    def is_test_code(self, location: Location) -> bool:
        """Whether a place is in a test module, a conftest, or a folder of tests below the project's root."""
        return is_test_code(Path(normal_path(location.file)), Path(self.root))

    def is_application_code(self, location: Location) -> bool:
        """Whether a place is in the project's own code that is no test code, rather than in a library's."""
        file = Path(normal_path(location.file))
        inside = file.is_relative_to(self.root) and "site-packages" not in file.parts
        return inside and not self.is_test_code(location)


def _in_memory(address: Address, is_application: bool, own_creator: bool, known: Known) -> Decision:
    shared = address if address.shared else None
    if is_application:
        return ToMemory(shared)
    if shared:
        return ToFresh(shared)
    if own_creator:  # it may open what others share: of one name, by a driver that nobody else uses
        return LeftAlone("what a creator or a pool of its own opens in memory is the test's own")
    if known.in_memory == 1 and known.primary_in_memory:
        return ToOnlyMemory()
    return LeftAlone(f"an in-memory database is the test's own{_why_not_the_applications(known)}")


def _why_not_the_applications(known: Known) -> str:
    return f": the application has {known.in_memory} of them" if known.in_memory > 1 else ""


def parse_url(text: str, key: str) -> URL:
    """Read a database URL from a setting.

    Raises:
        ConfigurationError: It is none.
    """
    try:
        return make_url(text)
    except (ArgumentError, ValueError) as error:
        raise InvalidSetting(
            f"{key}: {text!r} is not a database URL.",
            why=str(error),
            hints=(f"{key} = {', or '.join(each.example for each in every_backend())}",),
        ) from error
