"""Engines, connections, sessions, transactions and statements."""

from __future__ import annotations

from typing import NamedTuple

from hermetic.code import Location
from hermetic.owners import Owner

TEXT = 2_000
"""Characters of a statement at the most."""

OBJECTS = 1_000
"""How many objects of a Session are told of at the most."""


class EngineResolved(NamedTuple):
    """It was decided where the connections of an engine go: at its first use.

    Attributes:
        owner: Who made it; None where it is older than the run.
        location: The user's line that made it; None where that is not known.
        url: Its URL, password masked.
        destination: Where its connections go, in words.
        outcome: ``"contained"``, ``"itself"`` (where its URL says), ``"left alone"`` or ``"refused"``.
        why: Why it is left alone; else empty.
        is_in_memory: Whether its URL is for a database in memory.
        given: The variable of ``hermetic_env`` that would give it another URL in mode ``on``; else empty.
        engine: A number that tells it from the others that there are.
        starts_empty: Whether that is a database which nothing fills.
    """

    owner: Owner | None
    location: Location | None
    url: str
    destination: str
    outcome: str
    why: str = ""
    is_in_memory: bool = False
    given: str = ""
    engine: int = 0
    starts_empty: bool = False


class ConnectionOpened(NamedTuple):
    """A pool has opened a connection.

    Attributes:
        owner: Who asked for it.
        location: The user's line that did.
        connection: A number that tells it from the others that are open.
        loop: The same of the event loop; 0 outside any.
    """

    owner: Owner
    location: Location
    connection: int
    loop: int


class CheckedOut(NamedTuple):
    """A connection was taken from its pool.

    Attributes:
        owner: Who took it.
        location: The user's line that did.
        engine: The engine's URL, password masked.
        connection: A number that tells it from the others that are open.
        loop: The same of the event loop; 0 outside any.
        made_at: The user's line that made the engine; None where that is not known.
    """

    owner: Owner
    location: Location
    engine: str
    connection: int
    loop: int
    made_at: Location | None = None


class LoopEndedUnder(NamedTuple):
    """An event loop ended while somebody still had one of its connections, which was closed for that.

    Attributes:
        connection: As in ``CheckedOut``.
        handle: What tells from others what the pool had handed out for it.
    """

    connection: int
    handle: int


class HandedOver(NamedTuple):
    """A connection that was just taken turned out to be a Session's, and so its owner's.

    Attributes:
        owner: Whose it is now.
        connection: As in ``CheckedOut``.
    """

    owner: Owner
    connection: int


class CheckedIn(NamedTuple):
    """A connection went back to its pool, or was closed.

    Attributes:
        owner: Whose it was.
        location: The user's line that took it.
        engine: The engine's URL, password masked.
        connection: As in ``CheckedOut``.
    """

    owner: Owner
    location: Location
    engine: str
    connection: int


class PoolExhausted(NamedTuple):
    """A pool had no connection to give, for as long as somebody waited.

    Attributes:
        owner: Who waited.
        location: The user's line that did.
        engine: The engine's URL, password masked.
        made_at: The user's line that made the engine; None where that is not known.
        holders: The names of those whose its connections were then.
        taken_at: The user's line that took each.
    """

    owner: Owner
    location: Location
    engine: str
    made_at: Location | None
    holders: tuple[str, ...]
    taken_at: tuple[str, ...]


class TransactionBegan(NamedTuple):
    """SQLAlchemy begins a transaction.

    Attributes:
        owner: Who does so.
        location: The user's line.
        engine: The engine's URL, password masked.
        connection: As in ``CheckedOut``.
    """

    owner: Owner
    location: Location
    engine: str
    connection: int


class TransactionEnded(NamedTuple):
    """SQLAlchemy ends a transaction.

    Attributes:
        owner: Who does so.
        location: The user's line; unknown of a rollback that a block ends with, or before which everything only read.
        engine: The engine's URL, password masked.
        connection: As in ``CheckedOut``.
        how: ``"commit"`` or ``"rollback"``.
    """

    owner: Owner
    location: Location
    engine: str
    connection: int
    how: str


class Statement(NamedTuple):
    """SQLAlchemy has executed a statement, or failed to.

    Attributes:
        owner: Who executed it.
        location: The user's line.
        engine: The engine's URL, password masked.
        connection: As in ``CheckedOut``.
        text: The SQL.
        parameters: Its parameters as text, of many rows the first one: the value where the column is known, and the
            setting ``hermetic_parameters`` says so, else the type; never what is secret.
        rows: How many it affected or, as far as the driver knows, found; -1 where nobody knows.
        seconds: What it took.
        error: The name of the error's class where it failed; else empty.
        message: What the driver said then, as it is: whoever shows it masks it.
    """

    owner: Owner
    location: Location
    engine: str
    connection: int
    text: str
    parameters: str
    rows: int
    seconds: float
    error: str = ""
    message: str = ""


class SessionEnded(NamedTuple):
    """A Session has ended a transaction, or was closed while it held objects.

    Attributes:
        owner: Whose the Session is.
        made_at: The user's line that made it; unknown of hermetic's own.
        location: The user's line that ended it.
        session: The number by which SQLAlchemy tells it from others.
        how: ``"commit"``, ``"rollback"`` or ``"close"``.
        is_expiring: Whether what it holds has to be read again now.
        objects: What tells the objects apart that it held when it was closed, the first ``OBJECTS`` of them.
    """

    owner: Owner
    made_at: Location
    location: Location
    session: int
    how: str
    is_expiring: bool
    objects: tuple[int, ...] = ()


class ReferenceBroken(NamedTuple):
    """A row refers to one that is not there, and the database let it; told once a test has failed.

    Attributes:
        table: The table of the row, in small letters.
        columns: The columns of its foreign key, each with the table.
        parent: The table that they refer to, in small letters.
        on_delete: What should have been done to the row when the other one was deleted: ``"NO ACTION"``, ``"CASCADE"``.
        backend: What kind of database that is, as it is called in texts.
        change: What has it look at foreign keys, a line each.
    """

    table: str
    columns: str
    parent: str
    on_delete: str
    backend: str
    change: tuple[str, ...]


class ChangedInPlace(NamedTuple):
    """A Session commits while a value of its is not as it was loaded, and its column has not noticed.

    Attributes:
        owner: Who commits.
        location: The user's line that does.
        attribute: The class and its attribute.
        kind: The class of the value.
        table: The table's name, in small letters.
    """

    owner: Owner
    location: Location
    attribute: str
    kind: str
    table: str


class LockWaited(NamedTuple):
    """A request waited for a lock of its own test, which waits for the request, and did not get it.

    Attributes:
        owner: The request.
        location: Its line that took the connection.
        holder: The test, or its fixture.
        held_at: Its line.
        seconds: For how long.
        message: What the request was told.
    """

    owner: Owner
    location: Location
    holder: Owner
    held_at: Location
    seconds: float
    message: str


class Restored(NamedTuple):
    """A database was looked at, and put back to its baseline where it differed.

    Attributes:
        database: Its name.
        is_changed: Whether there was anything to put back.
        seconds: What that took.
    """

    database: str
    is_changed: bool
    seconds: float


class DatabaseMade(NamedTuple):
    """A database that code under test made by ``CREATE DATABASE``, on hermetic's server, was seen.

    Attributes:
        name: Its name there.
    """

    name: str


class DatabaseUsed(NamedTuple):
    """A database of the application's was used.

    Attributes:
        address: Its URL, password masked.
        is_written: Whether somebody wrote to it.
    """

    address: str
    is_written: bool
