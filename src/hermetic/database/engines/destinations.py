"""What the pool descriptor asks about an engine, and what it can be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from sqlalchemy import URL
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic import owners
from hermetic.code import Location
from hermetic.database.backend import Address
from hermetic.database.in_use import Checkout
from hermetic.errors import ContainmentError
from hermetic.masking import masked
from hermetic.owners import Owner

if TYPE_CHECKING:
    from hermetic.database.in_use import RawConnection


@dataclass(frozen=True)
class Creation:
    """Who made an engine, and where.

    Attributes:
        owner: Who it belongs to.
        location: The user's line that called ``create_engine``.
        folder: The working directory then, against which a relative SQLite path is read.
        given: The databases in memory whose URLs the environment gave then.
    """

    owner: Owner
    location: Location
    folder: str
    given: frozenset[Address] = frozenset()


@dataclass(frozen=True)
class EngineRequest:
    """An engine that is about to be used for the first time.

    Attributes:
        url: Its URL, with the password.
        created: Who made it; None for an engine older than the installation.
        own_creator: Whether it opens connections by a ``creator``, ``async_creator`` or ``pool`` of its own, so
            that its URL does not tell what it opens.
        engine: Itself; None for what is none, and so shares no database that is an engine's own.
    """

    url: URL
    created: Creation | None = None
    own_creator: bool = False
    engine: object = None


class Target(Protocol):
    """Where an engine's connections go: a worker database, or what stands for one until it is made."""

    @property
    def name(self) -> str:
        """What reports call it."""

    def open(self, dialect: Dialect, args: Sequence[Any], params: dict[str, Any]) -> DBAPIConnection:
        """Open a connection, or raise ContainmentError."""

    def holds(self, connection: DBAPIConnection) -> bool:
        """Whether a connection is on it, as far as its driver tells."""

    def reach(self, user: str | None) -> URL:
        """Return where a driver connects that wanted to log in as ``user``; the database is there then.

        Raises:
            ContainmentError: It must not.
        """

    def note_raw(self, raw: RawConnection) -> None:
        """Learn of a connection that a driver of the project's opened there."""

    def note_checkout(self, connection: DBAPIConnection, checkout: Checkout | None) -> None:
        """Learn who uses one of its connections; None when it went back to its pool."""

    def note_closed(self, connection: DBAPIConnection) -> None:
        """Forget one of its connections, which was closed."""


@dataclass(frozen=True)
class LeftAlone:
    """The engine keeps its own pool, untouched."""

    why: str

    def __str__(self) -> str:
        return f"left alone: {self.why}"


@dataclass(frozen=True)
class Itself:
    """The engine opens what its URL says, through a pool that works in every loop."""

    why: str

    def __str__(self) -> str:
        return f"itself: {self.why}"


Destination = Target | LeftAlone | Itself
Resolver = Callable[[EngineRequest], Destination]
Prepare = Callable[[EngineRequest], None]
Judge = Callable[[EngineRequest, URL | None], None]


@dataclass(frozen=True)
class Refusal:
    """Stands where a database would, and refuses each connection when it is asked for."""

    url: URL
    created: Creation | None
    why: str
    hint: str = ""

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"refused: {self.why}"

    def __str__(self) -> str:
        return self.name

    def open(self, dialect: Dialect, args: Sequence[Any], params: dict[str, Any]) -> NoReturn:
        """Refuse.

        Raises:
            ContainmentError: Always; it names the engine, who asked, and the setting that would allow it.
        """
        raise refusal(self.url, self.created, self.why, asked_by=owners.current(), hint=self.hint)

    def holds(self, connection: DBAPIConnection) -> bool:
        """Nothing is on it."""
        return False

    def reach(self, user: str | None) -> NoReturn:
        """Refuse a driver of the project's own.

        Raises:
            ContainmentError: Always.
        """
        raise refusal(self.url, self.created, self.why, asked_by=owners.current(), hint=self.hint)

    def note_raw(self, raw: object) -> None:
        """Nothing is ever opened here."""

    def note_checkout(self, connection: DBAPIConnection, checkout: Checkout | None) -> None:
        """Nothing is ever checked out here."""

    def note_closed(self, connection: DBAPIConnection) -> None:
        """Nor opened."""


def refusal(
    url: URL, created: Creation | None, why: str, *, asked_by: Owner, hint: str = ""
) -> ContainmentError:
    """Build the error for an engine that must not connect."""
    shown = masked(url)
    made = f" made at {created.location}" if created else ""
    return ContainmentError(
        f"{asked_by.name} asked for a connection to {shown}, which is not a database that hermetic made.",
        why=f"The engine{made} has no worker database to go to: {why}",
        hints=(hint,)
        if hint
        else (
            f"to really open this database in tests: hermetic_allow = {shown}",
            f"if it stands for another database of the application: hermetic_targets = {shown} -> URL",
            "if the application reads its URL from the environment: hermetic_env = DATABASE_URL={url}",
        ),
    )


def serves(target: object, database: object) -> bool:
    """Whether ``target`` is ``database``, or what stands for it."""
    return target is database or getattr(target, "worker", None) is database
